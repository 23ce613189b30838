import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { hostname } from 'node:os';
import {
  InMemoryLockingProvider,
  LockConfigurationError,
  LockingModule,
  LockingService,
  MemoryLockStore,
  Singleton,
  WithLock,
  type LockInfo,
} from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

const seen = async (locking: LockingService, key: string): Promise<LockInfo> => {
  const info = await locking.inspect(key);
  if (!info) throw new Error(`${key} is free`);
  return info;
};

describe('what a lock is called', () => {
  onEveryStore((store) => {
    it('every process sees the label and the instance of a holder, by inspect and list', async () => {
      const holder = await store.open({}, 'web 1: "blue"/~%2F');
      const other = await store.open({}, 'web-2');
      await holder.acquire('a', { label: 'OrderService.pay' });
      await holder.acquire(['b', 'c'], { label: 'zwei: Wörter', expire: '1m' });
      const names = { instanceId: 'web 1: "blue"/~%2F' };
      for (const locking of [holder, other]) {
        expect(await seen(locking, 'a')).toMatchObject({ ...names, label: 'OrderService.pay' });
        expect(await seen(locking, 'b')).toMatchObject({ ...names, label: 'zwei: Wörter' });
        const listed: Record<string, unknown> = {};
        for await (const { key, label, instanceId } of locking.list()) listed[key] = [label, instanceId];
        expect(listed.c).toEqual(['zwei: Wörter', names.instanceId]);
      }
    });

    it('the processes in the queue of a key are shown in their order', async () => {
      const [a, b, c] = [await store.open({}, 'a'), await store.open({}, 'b'), await store.open({}, 'c')];
      const lock = await a.acquire('k');
      const second = b.acquire('k', { timeout: '1m', label: 'second' });
      await eventually(async () => (await seen(a, 'k')).queue.length === 1);
      const third = c.acquire('k', { timeout: '1m', label: 'third' });
      await eventually(async () => (await seen(a, 'k')).queue.length === 2);
      expect((await seen(c, 'k')).queue.map(({ instanceId }) => instanceId)).toEqual(['b', 'c']);
      await lock.release();
      const next = await second;
      expect(await seen(a, 'k')).toMatchObject({ instanceId: 'b', label: 'second' });
      await next.release();
      await third;
      expect(await seen(a, 'k')).toMatchObject({ instanceId: 'c', label: 'third', queue: [] });
    });

    it('a holder that got the key within its process is shown there under its own label', async () => {
      const [here, elsewhere] = [await store.open({}, 'here'), await store.open({}, 'elsewhere')];
      const first = await here.acquire('k', { label: 'first' });
      const next = here.acquire('k', { label: 'next', timeout: '1m' });
      await eventually(async () => (await seen(here, 'k')).waiters === 1);
      await first.release();
      await next;
      expect(await seen(here, 'k')).toMatchObject({ instanceId: 'here', label: 'next' });
      expect(await seen(elsewhere, 'k')).toMatchObject({ instanceId: 'here' });
    });

    it('under a named owner only the process that holds shows the label', async () => {
      const [here, elsewhere] = [await store.open({}, 'here'), await store.open({}, 'elsewhere')];
      await here.acquire('k', { ownerId: 'importer', label: 'import' });
      expect(await seen(here, 'k')).toMatchObject({ ownerId: 'importer', label: 'import', instanceId: 'here' });
      expect(await seen(elsewhere, 'k')).toMatchObject({ ownerId: 'importer', label: null, instanceId: null });
    });

    it('an owner that a caller names cannot pose as an instance, and an id that this process made is its own', async () => {
      const [here, elsewhere] = [await store.open({}, 'here'), await store.open({}, 'elsewhere')];
      const lock = await here.acquire('a');
      for (const ownerId of ['elsewhere~AAAAAAAAAAAAAAAA.0 innocent', lock.ownerId]) {
        const error = await rejectionOf(elsewhere.acquire('k', { ownerId, expire: '1m' }));
        expect(error).toBeInstanceOf(LockConfigurationError);
        expect(error.message).toMatch(/form of the ids that instances make.*serialize/);
      }
      expect(await elsewhere.inspect('k')).toBeNull();
      for (const ownerId of ['checkout-service.42', 'a~b.c', 'user~1', lock.ownerId]) {
        expect(await (await here.acquire('k', { ownerId, expire: '1m' })).release()).toBe(true);
      }
    });

    it('a lock with a label is released, extended and freed by force as any other', async () => {
      const [one, two] = [await store.open({}, 'one'), await store.open({}, 'two')];
      const lock = await one.acquire('k', { label: 'first : second,third' });
      expect(await lock.extend('1m')).toBe(true);
      expect(await one.extend('k', { ownerId: lock.ownerId, expire: '2m' })).toBe(true);
      expect(await lock.release()).toBe(true);
      const again = await two.acquire('k', { label: 'again', expire: '1m' });
      expect(await one.forceRelease('k')).toBe(1);
      expect(await again.extend()).toBe(false);
    });

    it.each(['', ' ', 7, 'x'.repeat(101), 'two\nlines', 'half \ud83d', null])('refuses the label %j', async (label) => {
      const locking = await store.open();
      const call = locking.acquire('k', { label: label as string });
      await expect(call).rejects.toBeInstanceOf(LockConfigurationError);
      await expect(call).rejects.toThrow(/^label: must be a text of 1 to 100 visible characters/);
      expect(await locking.inspect('k')).toBeNull();
    });
  });
});

@Injectable()
class OrderService {
  constructor(private readonly locking: LockingService) {}

  @WithLock('pay')
  async pay(): Promise<unknown> {
    return this.locking.inspect('pay');
  }

  @WithLock('refund', { label: 'refunds' })
  async refund(): Promise<unknown> {
    return this.locking.inspect('refund');
  }

  @Singleton('report')
  async report(): Promise<unknown> {
    return this.locking.inspect('report');
  }

  @Singleton('audit', { label: 'audits' })
  async audit(): Promise<unknown> {
    return this.locking.inspect('audit');
  }
}

describe('the label of a decorated method', () => {
  const applications = useApplications();

  it('is its class and method, unless the decorator says otherwise', async () => {
    const app = await applications.start({
      imports: [LockingModule.forRoot({ instanceId: 'shop-1' })],
      providers: [OrderService],
    });
    const orders = app.get(OrderService);
    expect(await orders.pay()).toMatchObject({ label: 'OrderService.pay', instanceId: 'shop-1' });
    expect(await orders.refund()).toMatchObject({ label: 'refunds' });
    expect(await orders.report()).toMatchObject({ label: 'OrderService.report' });
    expect(await orders.audit()).toMatchObject({ label: 'audits' });
  });

  it('a decorator refuses a label that cannot be one', () => {
    expect(() => WithLock('k', { label: '' })).toThrow(LockConfigurationError);
    expect(() => Singleton('k', { label: 'a\u0007' })).toThrow(LockConfigurationError);
  });
});

describe('the name of an instance', () => {
  const applications = useApplications();

  it('is host and process by default, and logged once at the start', async () => {
    const { locking, log } = await applications.withLocks();
    expect(locking.instanceId).toBe(`${hostname().slice(0, 108)}-${process.pid}`);
    const lines = log.lines.filter(({ level }) => level === 'log').map(({ text }) => text);
    expect(lines.filter((line) => line.includes(locking.instanceId))).toEqual([
      `Locks of this instance are held as "${locking.instanceId}"`,
    ]);
  });

  it('is the option instanceId, begins each owner that the instance makes, and two with the same exclude each other', async () => {
    const store = new MemoryLockStore();
    const options = {
      instanceId: 'web-1',
      providers: [{ resolve: InMemoryLockingProvider, options: { store } }] as const,
    };
    const [one, two] = [await applications.withLocks(options), await applications.withLocks(options)];
    const lock = await one.locking.tryAcquire('k');
    expect(lock?.ownerId).toMatch(/^web-1~[\w-]{16}\.\w+$/);
    expect(await two.locking.tryAcquire('k')).toBeNull();
    expect(await two.locking.release('k')).toBe(false);
  });

  it.each(['', 'x'.repeat(129), 'a\nb', 7, null])('stops the start when it is %j', async (instanceId) => {
    const starting = applications.withLocks({ instanceId: instanceId as string });
    await expect(starting).rejects.toThrow(/^instanceId: must be a text of 1 to 128 visible characters/);
  });
});
