/** An instance is the stand-by for this many ticks of one job at once; the oldest makes room for the next. */
const MOST_PER_JOB = 16;

/**
 * The ticks whose stand-by this instance is. Ordinarily one per job, the one that is running: only jobs whose runs may
 * overlap have more.
 */
export class StandBys {
  private readonly byJob = new Map<string, Set<AbortController>>();

  /** Runs `wait` with a signal that aborts when there are too many. */
  async during(job: string, wait: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const abort = new AbortController();
    const all = this.byJob.get(job) ?? new Set();
    this.byJob.set(job, all);
    all.add(abort);
    const [oldest] = all;
    if (all.size > MOST_PER_JOB && oldest) {
      all.delete(oldest);
      oldest.abort();
    }
    try {
      await wait(abort.signal);
    } finally {
      all.delete(abort);
      if (all.size === 0 && this.byJob.get(job) === all) this.byJob.delete(job);
    }
  }
}
