import { beforeEach, describe, expect, it } from '@jest/globals';
import { track } from '../support/faulty-provider.js';
import { SharedStore, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(async () => {
  world = new SharedStore();
  process = await world.listeningProcess();
});

describe('a message that comes late', () => {
  it('a wake-up that names another attempt than the present one grants nothing', async () => {
    const held = await world.process().acquire('a');
    const wait = track(process.acquire('a', { timeout: '1h' }));
    await world.settle();
    process.wire.ear.granted('a', 'an attempt of the past', Number.MAX_SAFE_INTEGER, false);
    await world.settle();
    expect([wait.outcome, held.held]).toEqual([undefined, true]);
  });

  it('a wake-up makes the process ask the store if its last answer was that the process is not in the queue', async () => {
    const held = await world.process().acquire('a');
    const wait = track(process.acquire('a', { timeout: '1h' }));
    await world.settle();
    process.wire.interrupt();
    const { acquires } = process.wire;
    const before = acquires.length;
    while (acquires.length === before) await world.clock.advance('10ms');
    const asked = acquires.length;
    process.wire.ear.granted('a', acquires[0]![0]!.attemptId, Number.MAX_SAFE_INTEGER, false);
    await world.settle();
    expect([wait.outcome, held.held, acquires.length - asked]).toEqual([undefined, true, 1]);
  });

  it('a wake-up revokes no lock of another attempt', async () => {
    const lock = await process.acquire('a');
    process.wire.ear.lost('a', 'an attempt of the past');
    expect(lock.held).toBe(true);
  });

  it('a wake-up revokes a lock and cancels its attempt, which may have been granted again since', async () => {
    const lock = await process.acquire('a');
    const { attemptId } = process.wire.acquires.at(-1)![0]!;
    process.wire.ear.lost('a', attemptId);
    await world.settle();
    expect(lock.signal.reason).toMatchObject({ code: 'LOCK_LOST' });
    expect(process.wire.releases.flat()).toMatchObject([{ keys: ['a'], attemptId, pending: false }]);
    expect(world.store.keys()).toEqual([]);
  });
});
