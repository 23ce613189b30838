import { resolveCallOptions } from '../../lib/engine/options/call-options.js';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import type { LockEngine } from '../../lib/engine/lock-engine.js';
import type { HeldLock } from '../../lib/engine/lock/held-lock.js';
import { ManualClock } from '../../lib/testing/index.js';
import { Judge } from './judge.js';
import type { Caller, LedgerLock, Ledger } from './ledger.js';
import { settled, type ProcessClock } from './process-clock.js';
import { Process, type Connections } from './process.js';
import { PROCESSES, type Step, type TimedStep, type LockCall } from './steps.js';
import { WatchedStore } from './watched-store.js';

const settings = readEngineSettings({ expire: '6s', drainTimeout: '3s' });

/** Milliseconds after a fault until a process is in its normal state again. */
const REST = 7000;

/** Several processes on one store. */
export class World {
  readonly clock = new ManualClock();
  readonly judge = new Judge(this);
  readonly store = new WatchedStore(this.clock, this.judge);
  readonly processes: readonly Process[];
  readonly listening: boolean;
  /** Promises that have not been settled. */
  readonly open = new Set<Promise<unknown>>();
  /** Whether callers release their locks at once. */
  windingUp = false;

  constructor(connections: Connections) {
    this.listening = connections.listening;
    this.processes = Array.from(
      { length: PROCESSES },
      (_, number) => new Process(number, this.store, this.clock, settings, this.judge, connections),
    );
  }

  get ledger(): Ledger {
    return this.judge.ledger;
  }

  async take(step: TimedStep): Promise<void> {
    await this.run(step);
    if (step.ticks === undefined) await settled();
    else for (let tick = 0; tick < step.ticks; tick++) await Promise.resolve();
    this.judge.look();
  }

  release(lock: LedgerLock): void {
    lock.ended = true;
    this.follow(lock.handle.release());
  }

  private async run(step: Step): Promise<void> {
    if (step.do === 'advance') return this.clock.advance(`${step.ms}ms`);
    if ('process' in step) return this.runIn(this.processes[step.process]!, step);
    const awake = <T extends { process: number }>(items: readonly T[]): T[] =>
      items.filter(({ process }) => !this.processes[process]!.clock.frozen);
    if (step.do === 'abort') {
      pick(awake(this.ledger.callers.filter(({ done }) => !done)), step.index)?.abort.abort('aborted');
      return;
    }
    const lock = pick(awake(this.ledger.returnable), step.index);
    if (!lock) return;
    if (step.do === 'release') this.release(lock);
    else this.follow(lock.handle.extend(step.expire));
  }

  private async runIn(process: Process, step: Extract<Step, { process: number }>): Promise<void> {
    const { engine, clock, faults, channel } = process;
    if (step.do === 'thaw') return clock.thaw(step.first);
    if (step.do === 'letGo') return faults.letGo(step.index);
    if (step.do === 'mend') return faults.clear();
    if (step.do === 'fail') return faults.add(step.call, step.how, step.times);
    if (step.do === 'restore') return channel.restore();
    if (step.do === 'interrupt') return channel.interrupt(step.noticed);
    if (clock.frozen) return;
    if (step.do === 'freeze') {
      this.judge.freezes(step.process);
      return clock.freeze();
    }
    if (step.do === 'close') return this.close(process, step.process);
    if (step.do === 'releaseKeys') return this.follow(engine.byKey.release(step.keys, step.ownerId));
    if (step.do === 'releaseAll') return this.follow(engine.byKey.releaseAll(step.ownerId));
    if (step.do === 'forceRelease') return this.follow(engine.byKey.forceRelease(step.keys));
    if (step.do === 'extendKeys') return this.follow(engine.extendKeys(step.keys, step.ownerId, 4000));
    if (step.do === 'execute') return this.execute(engine, clock, step);
    if (step.do === 'crowd') {
      for (let count = 0; count < step.count; count++) this.execute(engine, clock, { ...step, do: 'execute' });
      return;
    }
    this.acquire(engine, step);
  }

  private close(process: Process, number: number): void {
    const start = this.clock.now();
    this.ledger.leftBehind.add(number);
    // A lock that has expired here may still be held in the store by the same owner elsewhere, which releases it.
    const hasLapsed = this.ledger.returnable.some((lock) => lock.process === number && !lock.handle.held);
    this.follow(
      process.close().then(() => {
        if (!hasLapsed && process.calmSince < start - REST) this.ledger.leftBehind.delete(number);
      }),
    );
  }

  private acquire(engine: LockEngine, step: Extract<Step, { do: 'acquire' | 'tryAcquire' }>): void {
    const { caller, options } = this.join(step, 'handle');
    const call: Promise<HeldLock | null> =
      step.do === 'acquire' ? engine.acquire(step.keys, options) : engine.tryAcquire(step.keys, options);
    this.follow(
      call.then(
        (handle) => {
          caller.done = true;
          if (!handle) return;
          const lock = this.judge.obtains(caller, handle, false);
          if (this.windingUp) this.release(lock);
        },
        () => (caller.done = true),
      ),
    );
  }

  private execute(engine: LockEngine, clock: ProcessClock, step: Extract<Step, { do: 'execute' }>): void {
    const { caller, options } = this.join(step, 'job');
    let run: { lock: LedgerLock; start: number; end: number } | undefined;
    const job = async (handle: HeldLock): Promise<void> => {
      const lock = this.judge.obtains(caller, handle, true);
      run = { lock, start: this.clock.now(), end: Infinity };
      const inner = step.nested ? await this.nested(engine, step) : undefined;
      await new Promise<void>((resolve) => clock.setTimer(resolve, step.lasts));
      if (inner) await inner.release().catch(() => false);
      run.end = this.clock.now();
      lock.ended = true;
    };
    const call = engine.execute(step.keys, (lock) => job(lock as HeldLock), options);
    this.follow(
      call.then(
        () => this.ledger.ranWell(run!),
        () => (caller.done = true),
      ),
    );
  }

  /** Acquires the same keys once more from inside a job. */
  private async nested(engine: LockEngine, { keys, process }: LockCall): Promise<HeldLock | undefined> {
    try {
      const handle = await engine.acquire(keys, resolveCallOptions({ timeout: '100ms' }, 'handle', settings));
      this.ledger.locks.push({ process, handle, ofJob: true, ended: false });
      return handle;
    } catch {
      return undefined;
    }
  }

  private join({ process, keys, options }: LockCall, mode: 'handle' | 'job') {
    const abort = new AbortController();
    const resolved = resolveCallOptions({ ...options, signal: abort.signal }, mode, settings);
    const deadline = this.clock.now() + resolved.timeout;
    const caller: Caller = { process, keys, ownerId: options.ownerId, abort, deadline, done: false };
    this.judge.joins(caller);
    return { caller, options: resolved };
  }

  private follow(promise: Promise<unknown>): void {
    this.open.add(promise);
    const end = (): void => void this.open.delete(promise);
    promise.then(end, end);
  }
}

function pick<T>(items: readonly T[], index: number): T | undefined {
  return items[index % Math.max(1, items.length)];
}
