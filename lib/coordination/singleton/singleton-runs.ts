import { AsyncLocalStorage } from 'node:async_hooks';
import { AbortListeners } from '../../engine/runtime/abort-listeners.js';
import { innermostRunning } from '../../engine/runtime/call-chain.js';
import { isLockLostError, isLockTimeoutError } from '../../errors/index.js';
import type { AcquireOptions, Lock } from '../../interfaces/index.js';
import type { CheckedSingletonOptions } from './check-singleton-options.js';
import { isSuperJob } from './method-calls.js';

type Job<T> = (lock: Lock) => T | PromiseLike<T>;

/** A call of a singleton, as its caller made it. */
export interface SingletonCall<T> {
  readonly locking: { execute<R>(keys: string | readonly string[], job: Job<R>, options: AcquireOptions): Promise<R> };
  /** The id under which the store of the lock is known. */
  readonly provider: string;
  readonly keys: string | readonly string[];
  readonly job: Job<T>;
  readonly options: CheckedSingletonOptions;
}

/** A job that runs in this process, or is about to. */
interface Run {
  /** The call that started it; others may have joined. */
  readonly call: SingletonCall<unknown>;
  result: Promise<unknown>;
  /** Its lock, once the job has begun. */
  lock?: Lock;
  /** What something inside it waits for: runs that it has started or joined. */
  readonly waits: Set<{ readonly run: Run }>;
  /** The run inside which it was started. */
  outer: Run | undefined;
  hasEnded: boolean;
}

/** The innermost run of the call chain. */
const inside = new AsyncLocalStorage<Run | undefined>();

const isRunning = ({ hasEnded }: Run): boolean => !hasEnded;

/** Calls `work` outside every run. */
export function outsideRuns<T>(work: () => T): T {
  return inside.run(undefined, work);
}

/** The singleton jobs of one application that run in this process, for the callers that join them. */
export class SingletonRuns {
  private readonly runs = new Map<string, Run>();
  private readonly aborts = new AbortListeners();

  /** @returns what the job came to; `undefined` where it runs already and is not joined */
  async run<T>(call: SingletonCall<T>): Promise<T | undefined> {
    const outer = innermostRunning(inside.getStore(), isRunning);
    const id = JSON.stringify([call.provider, ...new Set([call.keys].flat().sort())]);
    const other = this.runs.get(id);
    if (!other) return this.start(id, call, outer);
    if (other.lock && runsAround(outer).has(other) && isSuperJob(call.job, other.call.job)) return call.job(other.lock);
    if (!call.options.join || waitsForItself(other, outer)) return undefined;
    return this.join(other, call, outer);
  }

  private async start<T>(id: string, call: SingletonCall<T>, outer: Run | undefined): Promise<T | undefined> {
    const run: Run = { call, result: Promise.resolve(), waits: new Set(), outer, hasEnded: false };
    this.runs.set(id, run);
    const result = inside.run(run, async () => {
      try {
        return await runAlone(run, call);
      } finally {
        // Before its joiners hear of the end: one of them may have to start anew.
        this.runs.delete(id);
        run.hasEnded = true;
      }
    });
    run.result = result;
    return waitInside(outer, run, result);
  }

  /** Shares the result of a run, or its error; the joiner's own abort ends its wait. */
  private async join<T>(run: Run, call: SingletonCall<T>, outer: Run | undefined): Promise<T | undefined> {
    const { signal } = call.options.execute;
    signal?.throwIfAborted();
    try {
      return await waitInside(outer, run, this.resultFor<T>(run, signal));
    } catch (error) {
      if (signal?.aborted || !endedByItsCaller(run, error)) throw error;
    }
    // The first joiner that gets here runs its own job; the others join that.
    return this.run(call);
  }

  private async resultFor<T>(run: Run, signal: AbortSignal | undefined): Promise<T | undefined> {
    const result = run.result as Promise<T | undefined>;
    if (!signal) return result;
    let stopListening: () => void = () => undefined;
    const aborted = new Promise<never>((_, reject) => {
      stopListening = this.aborts.listen(signal, () => {
        reject(signal.reason as Error);
      });
    });
    try {
      return await Promise.race([result, aborted]);
    } finally {
      stopListening();
    }
  }
}

/** Whether a run failed after the caller that had started it aborted: that is an end for this caller only. */
function endedByItsCaller({ call }: Run, error: unknown): boolean {
  return call.options.execute.signal?.aborted === true && !isLockLostError(error);
}

async function waitInside<T>(outer: Run | undefined, run: Run, result: Promise<T>): Promise<T> {
  const wait = { run };
  outer?.waits.add(wait);
  try {
    return await result;
  } finally {
    outer?.waits.delete(wait);
  }
}

async function runAlone<T>(
  run: Run,
  { locking, keys, job, options: { execute } }: SingletonCall<T>,
): Promise<T | undefined> {
  try {
    return await locking.execute(
      keys,
      async (lock) => {
        run.lock = lock;
        return job(lock);
      },
      execute,
    );
  } catch (error) {
    if (!run.lock && isLockTimeoutError(error)) return undefined;
    throw error;
  }
}

/** The runs that a call is made from, from inside `innermost` outwards. */
function runsAround(innermost: Run | undefined): Set<Run> {
  const chain = new Set<Run>();
  for (let run = innermost; run; run = run.outer) chain.add(run);
  return chain;
}

/** Whether `run` can only end after a call that is made inside `inner` has ended. */
function waitsForItself(run: Run, inner: Run | undefined): boolean {
  const chain = runsAround(inner);
  const seen = new Set<Run>([run]);
  for (const one of seen) {
    if (chain.has(one)) return true;
    for (const wait of one.waits) seen.add(wait.run);
  }
  return false;
}
