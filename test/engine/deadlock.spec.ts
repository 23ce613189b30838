import { beforeEach, describe, expect, it } from '@jest/globals';
import type { AcquireOptions } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

const pass = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => world.clock.setTimer(resolve, milliseconds));

/** A job that acquires `outer`, and 10 ms later `inner`. */
function nest(outer: string, inner: string | string[], options: AcquireOptions = {}, where = process) {
  const job = where.execute(outer, async () => {
    await pass(10);
    return where.execute(inner, () => 'done', options);
  });
  return track(job);
}

const deadlock = (key: string) => ({ reason: { code: 'LOCK_TIMEOUT', reason: 'deadlock', keys: [key] } });
const done = { status: 'fulfilled', value: 'done' };

describe('jobs of one process that acquire keys in opposite order', () => {
  it('two jobs in a deadlock: one is refused at once, and the other goes on', async () => {
    const [one, two] = [nest('a', 'b'), nest('b', 'a')];
    await world.clock.advance('11ms');
    expect(two.outcome).toMatchObject(deadlock('a'));
    expect((two.outcome as PromiseRejectedResult).reason.message).toContain('"b"');
    expect(one.outcome).toEqual(done);
    expect(world.store.keys()).toEqual([]);
  });

  it('a deadlock of three jobs is found at once', async () => {
    const jobs = [nest('a', 'b'), nest('b', 'c'), nest('c', 'a')];
    await world.clock.advance('11ms');
    expect(jobs.map(({ outcome }) => outcome?.status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
    expect(jobs[2]!.outcome).toMatchObject(deadlock('a'));
  });

  it('a deadlock is found at once if one of the jobs wants several keys', async () => {
    const [one, two] = [nest('a', ['b', 'x']), nest('b', 'a')];
    await world.clock.advance('11ms');
    expect([one.outcome, two.outcome]).toMatchObject([done, deadlock('a')]);
  });

  it('a deadlock is found at once if one of the jobs waits for several locks at a time', async () => {
    const one = track(
      process.execute('a', async () => {
        await pass(10);
        return Promise.all([process.execute('c', () => 1), process.execute('b', () => 2)]);
      }),
    );
    const two = nest('b', 'a');
    await world.clock.advance('11ms');
    expect(two.outcome).toMatchObject(deadlock('a'));
    expect(one.outcome).toMatchObject({ value: [1, 2] });
  });
});

describe('nested calls without a deadlock', () => {
  it('nested calls wait for a job that does not wait itself, one behind the other', async () => {
    const long = track(process.execute('b', () => pass(100)));
    const jobs = [nest('a', 'b'), nest('c', 'b'), nest('d', 'a')];
    await world.clock.advance('50ms');
    expect(jobs.map(({ outcome }) => outcome)).toEqual([undefined, undefined, undefined]);
    await world.clock.advance('60ms');
    expect([long, ...jobs].map(({ outcome }) => outcome?.status)).toEqual(Array(4).fill('fulfilled'));
  });

  it('a nested call joins a lock that a job around it holds', async () => {
    const [one, two] = [nest('a', ['a', 'b']), nest('c', 'a')];
    await world.clock.advance('20ms');
    expect([one.outcome, two.outcome]).toEqual([done, done]);
  });

  it('with reentrant: false, a nested call for a key of its job is not refused, as it may be meant for later', async () => {
    let later: Promise<unknown> | undefined;
    const one = track(
      process.execute('a', async () => {
        await pass(10);
        later = process.execute('b', () => 'later', { reentrant: false });
        await pass(10);
      }),
    );
    const two = nest('b', 'a');
    await world.clock.advance('30ms');
    expect([one.outcome?.status, two.outcome]).toEqual(['fulfilled', done]);
    expect(await later).toBe('later');
  });

  it('an aborted nested call no longer counts in the search for deadlocks', async () => {
    const abort = new AbortController();
    const one = track(
      process.execute('a', async () => {
        await process.execute('b', () => 'done', { signal: abort.signal }).catch(() => undefined);
        await pass(50);
      }),
    );
    const two = nest('b', 'a');
    await world.clock.advance('5ms');
    abort.abort('enough');
    await world.clock.advance('10ms');
    expect(two.outcome).toBeUndefined();
    await world.clock.advance('50ms');
    expect([one.outcome?.status, two.outcome]).toEqual(['fulfilled', done]);
  });
});

it('a nested call that times out against another process names the keys that the jobs around it hold', async () => {
  const jobs = [nest('a', 'b', { timeout: '2s' }, world.process()), nest('b', 'a', { timeout: '2s' })];
  await world.clock.advance('3s');
  const refused = jobs.map(({ outcome }) => outcome).filter((outcome) => outcome?.status === 'rejected');
  expect(refused[0]!.reason).toMatchObject({
    reason: 'held',
    message: expect.stringMatching(/"(a|b)" was still held.* held "(?!\1)[ab]" meanwhile/),
  });
});
