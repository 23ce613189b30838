import { beforeEach, describe, expect, it } from '@jest/globals';
import { FaultyStore, track } from '../support/faulty-provider.js';

let world: FaultyStore;

beforeEach(() => {
  world = new FaultyStore();
});

/** The store hangs: whatever is sent from now on arrives, or fails, only when it is let go. */
function hang(how: 'delay' | 'break' = 'delay'): void {
  for (const primitive of ['acquire', 'extend', 'release'] as const) {
    world.fail(primitive, how);
    world.calls[primitive] = 0;
  }
}

/** The store goes on, and carries out, or refuses, what it was sent meanwhile. */
async function goOn(): Promise<void> {
  world.mend();
  world.letGo();
  await world.clock.advance(0);
}

describe('what a store owes the answer to is not sent again', () => {
  it('a release, however long the store hangs; once it goes on the key is free', async () => {
    const lock = await world.engine().acquire('a', { ownerId: 'me' });
    hang();
    const released = track(lock.release());
    await world.clock.advance('60s');
    expect(released.outcome).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_BACKEND' } });
    expect(world.calls.release).toBe(1);
    await goOn();
    expect(await world.engine().tryAcquire('a')).not.toBeNull();
  });

  it('cancels of acquires that were given up: one for each attempt', async () => {
    const engine = world.engine();
    hang();
    const waits = Array.from({ length: 50 }, (_, index) => track(engine.acquire(`k${index}`, { timeout: '1s' })));
    await world.clock.advance('60s');
    for (const { outcome } of waits) expect(outcome).toMatchObject({ reason: { code: 'LOCK_BACKEND' } });
    expect(world.calls).toMatchObject({ acquire: 50, release: 50 });
    await goOn();
    for (let index = 0; index < 50; index += 1) expect(await world.engine().tryAcquire(`k${index}`)).not.toBeNull();
  });

  it('an attempt of a caller that waits for its turn, but for once more; it is granted by the late answer', async () => {
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

  it('a renewal; a late answer counts from when it was asked for', async () => {
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

  it('the question whether a lease still stands that somebody here waits for', async () => {
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

describe('what a store has failed after all is sent again', () => {
  it('a release, within half a second', async () => {
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

  it('the attempt of a caller that waits', async () => {
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

  it('a renewal, within a second', async () => {
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

it('a store that cannot be reached is asked for few of many releases; all the others follow the first answer', async () => {
  const engine = world.engine();
  const locks = await Promise.all(Array.from({ length: 1000 }, async (_, index) => engine.acquire(`k${index}`)));
  world.fail('release', 'refuse');
  world.calls.release = 0;
  for (const lock of locks) track(lock.release());
  await world.clock.advance('10s');
  // Twice each: at the end of the lock, and kept for later. Then 200 every half second.
  expect(world.calls.release).toBeLessThanOrEqual(2 * 1000 + 20 * 200);
  world.mend();
  await world.clock.advance('500ms');
  const next = await Promise.all(locks.map(async (_, index) => world.engine().tryAcquire(`k${index}`)));
  expect(next).not.toContain(null);
});

it('an engine that closes waits for answers that have taken too long already for two seconds at most', async () => {
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
