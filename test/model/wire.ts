import {
  StoreNotReachedError,
  type InMemoryLockingProvider,
  type LeaseStore,
  type WakeUpListener,
} from '../../lib/index.js';
import type { Channel } from './channel.js';
import { signal, type Faults, type Primitive } from './faults.js';
import type { ProcessClock } from './process-clock.js';
import type { Watcher } from './watcher.js';

/** The connection of one process for its calls to the store. */
export class Wire {
  private lastArrival: Promise<void> = Promise.resolve();
  private lastAnswer: Promise<void> = Promise.resolve();
  private closed = false;

  /** @param ordered - requests and answers arrive in the order in which they were sent, as on one connection */
  constructor(
    private readonly process: number,
    private readonly clock: ProcessClock,
    private readonly store: InMemoryLockingProvider,
    private readonly faults: Faults,
    private readonly watcher: Watcher,
    private readonly ordered: boolean,
  ) {}

  close(): void {
    this.closed = true;
  }

  /** @param channel - receives wake-ups; without it there are none */
  provider(channel: Channel | undefined): LeaseStore {
    const { store, watcher, process } = this;
    return {
      ...(channel && { listen: (processId: string, listener: WakeUpListener) => channel.listen(processId, listener) }),
      acquire: async (request) => {
        watcher.asks(process, request);
        return this.carry('acquire', () => store.acquire(request));
      },
      extend: (request) => this.carry('extend', () => store.extend(request)),
      release: (request) => this.carry('release', () => store.release(request)),
      cancel: (request) => this.carry('release', () => store.cancel(request)),
      revoke: (keys) => this.carry('other', () => store.revoke(keys)),
      inspect: (keys) => this.carry('other', () => store.inspect(keys)),
      list: (match) => this.list(match),
      close: async () => undefined,
    };
  }

  private async *list(match?: string): ReturnType<LeaseStore['list'] & InMemoryLockingProvider['list']> {
    const found = await this.carry('other', async () => {
      const leases = [];
      for await (const lease of this.store.list(match)) leases.push(lease);
      return leases;
    });
    yield* found;
  }

  private async carry<T>(primitive: Primitive, execute: () => Promise<T>): Promise<T> {
    const fault = this.faults.next(primitive);
    if (!fault) return this.deliver(primitive, execute, fault);
    this.faults.troubled();
    try {
      return await this.deliver(primitive, execute, fault);
    } finally {
      this.faults.troubled();
    }
  }

  private async deliver<T>(
    primitive: Primitive,
    execute: () => Promise<T>,
    fault: ReturnType<Faults['next']>,
  ): Promise<T> {
    if (this.closed || fault === 'refuse') throw new StoreNotReachedError('connection refused');
    if (fault === 'fail') throw new Error('connection reset');
    const [arrivedBefore, answeredBefore] = [this.lastArrival, this.lastAnswer];
    const [arrived, answered] = [signal(), signal()];
    [this.lastArrival, this.lastAnswer] = [arrived.promise, answered.promise];
    if (this.ordered) await arrivedBefore;
    if (fault === 'delay') await this.faults.park(primitive);
    let answer = await execute();
    if (fault === 'twice') answer = await execute();
    if (fault === 'resend') {
      await this.faults.park(primitive);
      answer = await execute();
    }
    arrived.resolve();
    if (fault === 'hold' || fault === 'holdAndLose') await this.faults.park(primitive);
    if (this.ordered) await answeredBefore;
    answered.resolve();
    await this.clock.awake();
    if (fault === 'lose' || fault === 'holdAndLose') throw new Error('connection lost');
    return answer;
  }
}
