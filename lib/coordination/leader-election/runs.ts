import { AsyncLocalStorage } from 'node:async_hooks';
import { pause } from './pause.js';

interface Run {
  readonly runs: Runs;
  readonly around: Run | undefined;
  /** Nobody waits for it any more. */
  readonly settle: () => void;
}

const context = new AsyncLocalStorage<Run>();

/** Calls that are under way, for whoever has to wait for their end. */
export class Runs {
  private readonly pending = new Set<Promise<void>>();

  get count(): number {
    return this.pending.size;
  }

  /** Calls `work` and knows of it until it has settled. */
  track<T>(work: () => T): T {
    let settle: () => void = () => undefined;
    const over = new Promise<void>((resolve) => (settle = resolve)).then(() => {
      this.pending.delete(over);
    });
    this.pending.add(over);
    const run = { runs: this, around: context.getStore(), settle };
    try {
      const result = context.run(run, work);
      Promise.resolve(result).then(settle, settle);
      return result;
    } catch (error) {
      settle();
      throw error;
    }
  }

  /** Whoever calls this from within waits for the others only: it cannot wait for itself. */
  excuseCaller(): void {
    for (let run = context.getStore(); run; run = run.around) if (run.runs === this) run.settle();
  }

  /** Resolves once all that are under way now have ended. */
  async settled(): Promise<void> {
    await Promise.all(this.pending);
  }
}

/**
 * Resolves once all that is under way has ended, or after `limit` milliseconds, with how many have not.
 *
 * @param keepAlive - whether a process with nothing else to do stays for it
 */
export async function awaitRuns(works: readonly Runs[], limit: number, keepAlive: boolean): Promise<number> {
  const late = new AbortController();
  const over = Promise.all(works.map(async (runs) => runs.settled()));
  await Promise.race([over, pause(limit, late.signal, keepAlive)]);
  late.abort();
  return works.reduce((sum, { count }) => sum + count, 0);
}
