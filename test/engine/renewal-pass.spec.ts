import { beforeEach, describe, expect, it } from '@jest/globals';
import { track } from '../support/faulty-provider.js';
import { SharedStore, lockOf, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

describe('renewal of many leases', () => {
  it('a renewal that is still under way is not sent again when others are due', async () => {
    await process.acquire('slow', { expire: '30s', renew: true });
    process.wire.fail('extend', 'delay');
    await world.clock.advance('10s');
    process.wire.mend();
    await process.acquire('quick', { expire: '6s', renew: true });
    await world.clock.advance('4500ms');
    const asked = process.wire.extensions.flat().flatMap(({ keys }) => keys);
    expect(asked.filter((key) => key === 'slow')).toHaveLength(1);
    expect(asked.filter((key) => key === 'quick').length).toBeGreaterThan(0);
  });

  it('many leases are renewed in one call, after a third of their length', async () => {
    const locks = await Promise.all(times(300, (index) => process.acquire(`k${index}`)));
    const { extensions } = process.wire;
    await world.clock.advance('9999ms');
    expect(extensions).toHaveLength(0);
    await world.clock.advance('1ms');
    expect(extensions).toHaveLength(1);
    expect(extensions[0]!.map(({ keys: [key] }) => key).sort()).toEqual(locks.map(({ keys: [key] }) => key).sort());
    expect(extensions[0]!.every(({ ttl }) => ttl === 30_000)).toBe(true);
    expect(Math.min(...locks.map(({ remaining }) => remaining))).toBeGreaterThan(29_000);
    await world.clock.advance('50s');
    expect(extensions).toHaveLength(6);
  });

  it('a lock that was revoked leaves no timer, although its holder has not released it', async () => {
    const lock = await process.acquire('k');
    await process.engine.byKey.forceRelease(['k']);
    await world.clock.advance('11s');
    expect(lock.held).toBe(false);
    expect(process.wire.extensions).toHaveLength(0);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('leases that were acquired one after another come to be renewed in one call', async () => {
    for (const key of times(15, (index) => `k${index}`)) {
      await process.acquire(key);
      await world.clock.advance('100ms');
    }
    await world.clock.advance('20s');
    const before = process.wire.extensions.length;
    await world.clock.advance('30s');
    expect(process.wire.extensions.slice(before).map((pass) => pass.length)).toEqual([15, 15, 15]);
  });

  it('leases that are only checked join the call of the renewals, with one timer for both', async () => {
    await process.acquire('renewed');
    await process.acquire('fixed', { expire: '30s' });
    await process.acquire('for ever', { ownerId: 'me' });
    const timers = world.clock.pendingTimers;
    await Promise.all(times(100, (index) => process.acquire(`k${index}`)));
    expect(world.clock.pendingTimers).toBe(timers);
    await world.clock.advance('10s');
    expect(process.wire.extensions).toHaveLength(1);
    const ttls = new Map(process.wire.extensions[0]!.map(({ keys: [key], ttl }) => [key, ttl]));
    expect([ttls.get('renewed'), ttls.get('fixed'), ttls.get('for ever')]).toEqual([30_000, null, null]);
    expect(ttls.size).toBe(103);
  });

  it('released leases are left out of renewals, which stop with the last lease', async () => {
    const locks = await Promise.all(times(10, (index) => process.acquire(`k${index}`)));
    await Promise.all(locks.slice(3).map((lock) => lock.release()));
    await world.clock.advance('10s');
    expect(process.wire.extensions.flat().flatMap(({ keys }) => keys)).toEqual(['k0', 'k1', 'k2']);
    await Promise.all(locks.map((lock) => lock.release()));
    await world.clock.advance('60s');
    expect(process.wire.extensions).toHaveLength(1);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('renewal goes on for a lease that is handed off, and ends with it', async () => {
    process = await world.listeningProcess();
    const waits = times(4, () => track(process.acquire('a', { timeout: '1h' })));
    await world.settle();
    for (const wait of waits) {
      const lock = lockOf(wait);
      await world.clock.advance('8s');
      expect(lock.remaining).toBeGreaterThan(19_000);
      await lock.release();
      await world.settle();
    }
    const renewals = process.wire.extensions.flat().filter(({ ttl }) => ttl !== null);
    expect(renewals).toHaveLength(3);
    const before = process.wire.calls;
    await world.clock.advance('60s');
    expect(process.wire.calls).toBe(before);
    expect(world.clock.pendingTimers).toBe(0);
  });

  it('renewal does not revive a lease that was handed to another process', async () => {
    const other = world.process();
    const lock = await process.acquire('a', { ownerId: 'one', expire: '30s', renew: true });
    const wait = track(other.acquire('a', { timeout: '1h' }));
    await world.clock.advance('9990ms');
    process.wire.fail('extend', 'delay');
    await world.clock.advance('10ms');
    const released = lock.release();
    await world.settle();
    expect(await released).toBe(true);
    process.wire.letGo();
    await world.settle();
    expect(lockOf(wait).held).toBe(true);
    expect((await world.observer.inspect(['a']))[0]?.ownerId).not.toBe('one');
  });
});
