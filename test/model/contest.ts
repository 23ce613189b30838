import type fc from 'fast-check';
import { resolveCallOptions } from '../../lib/engine/options/call-options.js';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import type { AcquireOptions, QueueingStore, WakeUpListener } from '../../lib/index.js';
import { ManualClock } from '../../lib/testing/index.js';
import { Judge, type Actor, type Stage } from './judge.js';
import type { Caller } from './ledger.js';
import { settled } from './process-clock.js';
import { watchedProvider, WatchedStore } from './watched-store.js';

const settings = readEngineSettings({ waitLockingTimeout: '1h' });

/** One caller, from any of the processes. */
export interface Contestant {
  readonly process: number;
  readonly keys: readonly string[];
  readonly options: AcquireOptions;
  /** Whether it may cancel at any moment. */
  readonly wavers: boolean;
}

/**
 * Processes that contend for keys while a scheduler of fast-check decides what happens next: a caller comes or cancels,
 * a job ends, a request, an answer or a message arrives. Time stands still unless the test moves it.
 */
export class Contest implements Stage {
  readonly clock = new ManualClock();
  readonly judge = new Judge(this);
  readonly store = new WatchedStore(this.clock, this.judge);
  readonly processes: Actor[] = [];
  readonly listening = true;
  /** How many callers have neither been served nor refused. */
  waiting = 0;
  /** How many messages were lost. */
  lost = 0;

  /**
   * @param loses - whether the next message is lost
   * @param ordered - whether the requests of a process arrive in the order in which it has sent them
   */
  constructor(
    private readonly scheduler: fc.Scheduler,
    count: number,
    private readonly loses: () => boolean,
    private readonly ordered: boolean,
  ) {
    for (let process = 0; process < count; process++) {
      const channel = { isOpen: false, isClear: false, isKnownDeaf: true, hasOpened: false };
      const engine = new LockEngine(this.connect(process, channel), settings, this.clock);
      this.processes.push({ engine, channel, calmSince: -Infinity, frozen: false });
    }
  }

  get violations(): readonly string[] {
    return this.judge.ledger.violations;
  }

  enter(contestant: Contestant): void {
    this.waiting += 1;
    void this.happens(`P${contestant.process} calls for ${contestant.keys.join()}`).then(() => this.call(contestant));
  }

  /** Runs everything that can happen without the clock. */
  async playOn(): Promise<void> {
    do {
      await this.scheduler.waitIdle();
      await settled();
    } while (this.scheduler.count() > 0);
  }

  private async call({ process, keys, options, wavers }: Contestant): Promise<void> {
    const abort = new AbortController();
    const caller: Caller = { process, keys, ownerId: undefined, abort, deadline: Infinity, done: false };
    this.judge.joins(caller);
    if (wavers) void this.happens(`P${process} leaves`).then(() => abort.abort());
    const job = async (lock: HeldLock): Promise<void> => {
      const held = this.judge.obtains(caller, lock, true);
      await this.happens(`P${process} works`);
      this.judge.look();
      held.ended = true;
    };
    const resolved = resolveCallOptions({ ...options, signal: abort.signal }, 'job', settings);
    const work = this.processes[process]!.engine.execute(keys, (lock) => job(lock as HeldLock), resolved);
    await work.catch((error: unknown) => {
      if (!abort.signal.aborted) this.judge.ledger.fault(`FAILED: ${String(error)}`);
    });
    caller.done = true;
    this.waiting -= 1;
  }

  private happens(what: string): Promise<void> {
    return this.scheduler.schedule(Promise.resolve(), what);
  }

  private connect(
    process: number,
    channel: { isOpen: boolean; isKnownDeaf: boolean; hasOpened: boolean },
  ): QueueingStore {
    const { judge } = this;
    const store = watchedProvider(process, this.store, judge);
    let lastArrival = Promise.resolve();
    const arrive = async (what: string): Promise<void> => {
      if (!this.ordered || what === 'listen') return this.happens(`the store hears from P${process}: ${what}`);
      lastArrival = lastArrival.then(() => this.happens(`the store hears from P${process}: ${what}`));
      return lastArrival;
    };
    const carry = async <T>(what: string, execute: () => Promise<T>): Promise<T> => {
      await arrive(what);
      const answer = await execute();
      await this.happens(`P${process} has the answer: ${what}`);
      return answer;
    };
    return {
      listen: (processId, listener) =>
        carry('listen', async () => {
          this.store.queues.listen(processId, this.ear(process, listener));
          channel.isOpen = true;
        }).then(() => {
          channel.isKnownDeaf = false;
          channel.hasOpened = true;
        }),
      acquire: async (request) => {
        judge.asks(process, request);
        return carry('acquire', () => store.acquire(request));
      },
      extend: (request) => carry('extend', () => store.extend(request)),
      release: (request) => carry('release', () => store.release(request)),
      cancel: (request) => carry('release', () => store.cancel(request)),
      revoke: (keys) => carry('force', () => store.revoke(keys)),
      inspect: (keys) => carry('inspect', () => store.inspect(keys)),
      list: (match) => store.list(match),
      close: async () => undefined,
    };
  }

  private ear(process: number, listener: WakeUpListener): WakeUpListener {
    const hear = (what: string, tell: () => void): void => {
      if (this.loses()) this.lost += 1;
      else void this.happens(`P${process} hears: ${what}`).then(tell);
    };
    return {
      granted: (key, attemptId, token, contended) =>
        hear('granted', () => listener.granted(key, attemptId, token, contended)),
      contended: (key, attemptId) =>
        hear('contended', () => {
          this.judge.hearsOfWaiters(process, key, attemptId);
          listener.contended(key, attemptId);
        }),
      lost: (key, attemptId) => hear('lost', () => listener.lost(key, attemptId)),
      offered: (key, attemptId) => hear('offered', () => listener.offered(key, attemptId)),
      interrupted: () => undefined,
      restored: () => undefined,
    };
  }
}
