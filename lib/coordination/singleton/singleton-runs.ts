import { AsyncLocalStorage } from 'node:async_hooks';
import { isObservable } from 'rxjs';
import { isLockTimeoutError, LockConfigurationError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import type { LockingService } from '../../locking.service.js';
import type { CheckedSingletonOptions } from './check-singleton-options.js';
import { observableJob } from './singleton.messages.js';

/** A job that runs in this process, or is about to. */
interface Run {
  result: Promise<unknown>;
  /** What something inside it waits for: runs that it has started or joined. */
  readonly waits: Set<{ readonly run: Run }>;
  /** The run inside which it was started. */
  readonly outer: Run | undefined;
}

/** The innermost run of the call chain. */
const inside = new AsyncLocalStorage<Run>();

/** The singleton jobs of one application that run in this process, for those who join them. */
export class SingletonRuns {
  private readonly runs = new Map<string, Run>();

  /**
   * @param provider - the id under which the store of the lock is known
   * @returns what the job came to; `undefined` where it runs already and is not joined
   */
  async run<T>(
    locking: LockingService,
    provider: string,
    key: string | readonly string[],
    job: (lock: Lock) => T | PromiseLike<T>,
    { join: joins, execute }: CheckedSingletonOptions,
  ): Promise<T | undefined> {
    const outer = inside.getStore();
    const id = JSON.stringify([provider, ...new Set([key].flat().sort())]);
    const other = this.runs.get(id);
    if (other) return joins && !waitsForItself(other, outer) ? join<T>(other, outer, execute.signal) : undefined;
    const run: Run = { result: Promise.resolve(), waits: new Set(), outer };
    this.runs.set(id, run);
    const result = inside.run(run, async () => runAlone(locking, key, job, execute));
    run.result = result;
    try {
      return await waitInside(outer, run, result);
    } finally {
      this.runs.delete(id);
    }
  }
}

/** A run that is under way, for a caller who may end the wait for it. */
async function join<T>(run: Run, outer: Run | undefined, signal: AbortSignal | undefined): Promise<T | undefined> {
  signal?.throwIfAborted();
  let onAbort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal?.reason as Error);
    };
    signal?.addEventListener('abort', onAbort);
  });
  try {
    return await waitInside(outer, run, Promise.race([run.result as Promise<T | undefined>, aborted]));
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
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
  locking: LockingService,
  key: string | readonly string[],
  job: (lock: Lock) => T | PromiseLike<T>,
  execute: CheckedSingletonOptions['execute'],
): Promise<T | undefined> {
  let entered = false as boolean;
  try {
    return await locking.execute(
      key,
      async (lock) => {
        entered = true;
        const result = await job(lock);
        if (isObservable(result)) throw new LockConfigurationError(observableJob());
        return result;
      },
      execute,
    );
  } catch (error) {
    if (!entered && isLockTimeoutError(error)) return undefined;
    throw error;
  }
}

/** Whether `run` can only end after somebody who stands inside `inner` has gone on. */
function waitsForItself(run: Run, inner: Run | undefined): boolean {
  const chain = new Set<Run>();
  for (let one = inner; one; one = one.outer) chain.add(one);
  const seen = new Set<Run>([run]);
  for (const one of seen) {
    if (chain.has(one)) return true;
    for (const wait of one.waits) seen.add(wait.run);
  }
  return false;
}
