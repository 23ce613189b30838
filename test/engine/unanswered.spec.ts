import { beforeEach, describe, expect, it } from '@jest/globals';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;

beforeEach(() => {
  world = new FaultyStore();
});

/** The store hangs: calls from now on arrive, or fail, only after `goOn`. */
function hang(how: 'delay' | 'break' = 'delay'): void {
  for (const primitive of ['acquire', 'extend', 'release'] as const) {
    world.fail(primitive, how);
    world.calls[primitive] = 0;
  }
}

/** The store goes on, and carries out, or refuses, the calls that it was sent meanwhile. */
async function goOn(): Promise<void> {
  world.mend();
  world.letGo();
  await world.clock.advance(0);
}

describe('requests without an answer', () => {
  it('a release without an answer is not sent again, however long the store hangs', async () => {
    const lock = await world.engine().acquire('a', { ownerId: 'me' });
    hang();
    const released = track(lock.release());
    await world.clock.advance('60s');
    expect(released.outcome).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_BACKEND' } });
    expect(world.calls.release).toBe(1);
    await goOn();
    expect(await world.engine().tryAcquire('a')).not.toBeNull();
  });

  it('a store that hangs is sent one cancel for each attempt', async () => {
    const engine = world.engine();
    hang();
    const waits = Array.from({ length: 50 }, (_, index) => track(engine.acquire(`k${index}`, { timeout: '1s' })));
    await world.clock.advance('60s');
    for (const { outcome } of waits) expect(outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
    expect(world.calls).toMatchObject({ acquire: 50, release: 50 });
    await goOn();
    for (let index = 0; index < 50; index += 1) expect(await world.engine().tryAcquire(`k${index}`)).not.toBeNull();
  });

  it('the attempt of a waiter is sent only once more while the store hangs; the late answer grants it', async () => {
    const held = await world.engine().acquire('a');
    const waiting = track(world.engine().acquire('a', { timeout: '10m' }));
    await world.clock.advance('100ms');
    hang();
    await world.clock.advance('60s');
    expect(world.calls.acquire).toBe(2);
    expect(waiting.outcome).toBeUndefined();
    await goOn();
    await held.release();
    await world.clock.advance('1s');
    expect(waiting.outcome?.status).toBe('fulfilled');
  });

  it('a renewal without an answer is not sent again; its late answer counts from its sending', async () => {
    const lock = await world.engine().acquire('a', { expire: '30s', renew: true });
    const engine = world.engine();
    await world.clock.advance('9s');
    hang();
    await world.clock.advance('16s');
    expect(world.calls.extend).toBe(1);
    await goOn();
    await world.clock.advance('10s');
    expect(lock.held).toBe(true);
    expect(await engine.tryAcquire('a')).toBeNull();
  });

  it('a check of a lease with waiters is not sent again without an answer', async () => {
    const engine = world.engine();
    const lock = await engine.acquire('a', { maxHold: '10m', expire: '10m' });
    const waiting = track(engine.acquire('a', { timeout: '10m' }));
    await world.clock.advance('100ms');
    hang();
    await world.clock.advance('60s');
    expect(world.calls.extend).toBe(1);
    await goOn();
    await world.clock.advance('5s');
    expect(world.calls.extend).toBeGreaterThan(1);
    await lock.release();
    await world.clock.advance('1s');
    expect(waiting.outcome?.status).toBe('fulfilled');
  });
});

describe('requests that fail after a long time', () => {
  it('a release that fails late is sent again within half a second', async () => {
    const lock = await world.engine().acquire('a');
    hang('break');
    const released = track(lock.release());
    await world.clock.advance('20s');
    expect(released.outcome?.status).toBe('rejected');
    expect(world.calls.release).toBe(1);
    await goOn();
    await world.clock.advance('500ms');
    expect(await world.engine().tryAcquire('a')).not.toBeNull();
  });

  it('the attempt of a waiter that fails late is sent again', async () => {
    const held = await world.engine().acquire('a');
    const waiting = track(world.engine().acquire('a', { timeout: '10m' }));
    await world.clock.advance('100ms');
    hang('break');
    await world.clock.advance('10s');
    track(held.release());
    await goOn();
    await world.clock.advance('2s');
    expect(waiting.outcome?.status).toBe('fulfilled');
  });

  it('a renewal that fails late is sent again within a second', async () => {
    const lock = await world.engine().acquire('a', { expire: '30s', renew: true });
    await world.clock.advance('9s');
    hang('break');
    await world.clock.advance('16s');
    await goOn();
    await world.clock.advance('1s');
    expect(world.calls.extend).toBe(2);
    await world.clock.advance('10s');
    expect(lock.held).toBe(true);
  });
});

it('a store that cannot be reached is sent few of many failed releases; the others follow the first answer', async () => {
  const engine = world.engine();
  const locks = await Promise.all(Array.from({ length: 1000 }, async (_, index) => engine.acquire(`k${index}`)));
  world.fail('release', 'refuse');
  world.calls.release = 0;
  for (const lock of locks) track(lock.release());
  await world.clock.advance('10s');
  // Twice for each lock: at its end, and as the first repetition. Then 200 every half second.
  expect(world.calls.release).toBeLessThanOrEqual(2 * 1000 + 20 * 200);
  world.mend();
  await world.clock.advance('500ms');
  const next = await Promise.all(locks.map(async (_, index) => world.engine().tryAcquire(`k${index}`)));
  expect(next).not.toContain(null);
});

it('an engine that closes waits at most two seconds for answers that are already late', async () => {
  const engine = world.engine();
  const lock = await engine.acquire('a');
  hang();
  const released = track(lock.release());
  await world.clock.advance('6s');
  expect(released.outcome?.status).toBe('rejected');
  const closed = track(engine.engine.close());
  await world.clock.advance('2s');
  expect(closed.outcome?.status).toBe('fulfilled');
  expect(world.calls.release).toBe(1);
});
