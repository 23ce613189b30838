import { AsyncLocalStorage } from 'node:async_hooks';
import { innermostRunning } from '../../engine/runtime/call-chain.js';
import { pause } from '../pause.js';

interface Run {
  readonly runs: Runs;
  outer: Run | undefined;
  /** Resolves when the call has settled. */
  readonly ended: Promise<void>;
  /** Resolves when the call has settled or was excused. */
  readonly endedOrExcused: Promise<void>;
  readonly excuse: () => void;
}

const context = new AsyncLocalStorage<Run>();

const isUnderWay = (run: Run): boolean => run.runs.has(run);

/** Calls that are under way, for callers that have to wait for their end. */
export class Runs {
  private readonly pending = new Set<Run>();

  has(run: Run): boolean {
    return this.pending.has(run);
  }

  get count(): number {
    return this.pending.size;
  }

  /** Calls `work` and knows of it until it has settled. */
  track<T>(work: () => T): T {
    let end: () => void = () => undefined;
    let excuse: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve)).then(() => {
      this.pending.delete(run);
      excuse();
    });
    const endedOrExcused = new Promise<void>((resolve) => (excuse = resolve));
    const run: Run = {
      runs: this,
      outer: innermostRunning(context.getStore(), isUnderWay),
      ended,
      endedOrExcused,
      excuse,
    };
    this.pending.add(run);
    try {
      const result = context.run(run, () => begun(work()));
      Promise.resolve(result).then(end, end);
      return result;
    } catch (error) {
      end();
      throw error;
    }
  }

  /**
   * To be called by a function that is about to wait for these calls: one that is itself part of such a call cannot wait
   * for that one. {@link othersSettled} does not from now on.
   *
   * @returns whether the caller is part of a call that is under way, or was started by one
   */
  excuseCaller(): boolean {
    let isWithin = false;
    for (let run = context.getStore(); run; run = run.outer) {
      if (run.runs !== this || !this.pending.has(run)) continue;
      run.excuse();
      isWithin = true;
    }
    return isWithin;
  }

  /** Resolves once all that are under way now have ended. */
  async settled(): Promise<void> {
    await Promise.all([...this.pending].map(async ({ ended }) => ended));
  }

  /** Resolves once all that are under way now have ended, but for those that were excused. */
  async othersSettled(): Promise<void> {
    await Promise.all([...this.pending].map(async ({ endedOrExcused }) => endedOrExcused));
  }
}

/**
 * Resolves once all that is under way has ended, after `limit` milliseconds, or when `signal` aborts, with how many have
 * not.
 *
 * @param keepAlive - whether a process with nothing else to do stays for it
 */
export async function awaitRuns(
  works: readonly Runs[],
  limit: number,
  keepAlive: boolean,
  signal: AbortSignal,
): Promise<number> {
  const over = new AbortController();
  const settled = Promise.all(works.map(async (runs) => runs.settled()));
  await Promise.race([settled, pause(limit, AbortSignal.any([over.signal, signal]), keepAlive)]);
  over.abort();
  return works.reduce((sum, { count }) => sum + count, 0);
}

/** A thenable such as a query, which begins when its `then` is called, begins once, and here. */
function begun<T>(result: T): T {
  const isLazy =
    typeof (result as { then?: unknown } | null | undefined)?.then === 'function' && !(result instanceof Promise);
  return isLazy ? (Promise.resolve(result) as T) : result;
}
