import type { Job } from 'bullmq';
import { setTimeout as delay } from 'node:timers/promises';
import { inNeutralContext } from '../../engine/runtime/neutral-context.js';
import { isLockBackendError, isLockTimeoutError } from '../../errors/index.js';
import type { AcquireOptions } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';

/** How long one wait for the key lasts, in milliseconds. By then the first jobs have come back by themselves. */
const LONGEST_WAIT = 30_000;

/** A job that was woken may be taken by another process: so often its state is asked for, less and less, in milliseconds. */
const FIRST_LOOK = 10;
const LONGEST_LOOK = 1000;

/** What its waits are called in metrics: they are not those of the jobs. */
const WATCH_TEMPLATE = '(jobs put back)';

/** The states of a job that no worker has taken yet. */
const WAITING = ['waiting', 'prioritized', 'paused'];

/** Milliseconds until the store is asked again, where it could not be asked. */
const STORE_PAUSE = 1000;

/** A job that was put back, and when it comes back by itself. */
interface PutBackJob {
  readonly job: Job;
  readonly until: number;
}

/**
 * Wakes the jobs of one key that this process has put back: waits in the key's queue on behalf of all of them, and
 * promotes the oldest each time the key is released.
 */
export class KeyWatch {
  /** By the job's id, the oldest first. */
  private readonly jobs = new Map<string, PutBackJob>();
  private woken?: { readonly id: string; readonly onTried: () => void };
  private running = false;

  constructor(
    private readonly locking: LockingService,
    private readonly key: string,
    private readonly options: Pick<AcquireOptions, 'provider' | 'expire'>,
    private readonly onEnd: () => void,
  ) {}

  /** Notes a job that was put back for `milliseconds`. */
  add(job: Job, milliseconds: number): void {
    const id = job.id ?? '';
    this.tried(id);
    this.jobs.set(id, { job, until: Date.now() + milliseconds });
    if (this.running) return;
    this.running = true;
    // It outlives the job that begins it, whose async context it must not keep.
    void inNeutralContext(async () => this.run());
  }

  /** Notes that a worker of this process has tried a job: it runs, or is put back anew. */
  tried(id: string): void {
    this.jobs.delete(id);
    if (this.woken?.id === id) this.woken.onTried();
  }

  /** Never rejects: jobs that are not woken come back by themselves. */
  private async run(): Promise<void> {
    for (let goesOn = true; goesOn && this.hasJobs();) {
      try {
        await this.released();
        await this.wakeOldest();
      } catch (error) {
        if (isLockTimeoutError(error)) continue;
        goesOn = isLockBackendError(error) && error.reason !== 'shutdown';
        if (goesOn) await delay(STORE_PAUSE, undefined, { ref: false });
      }
    }
    this.running = false;
    this.onEnd();
  }

  private hasJobs(): boolean {
    const now = Date.now();
    for (const [id, { until }] of this.jobs) if (until <= now) this.jobs.delete(id);
    return this.jobs.size > 0;
  }

  /** The key is acquired and released at once: it is for the job that is woken. */
  private async released(): Promise<void> {
    const lock = await this.locking.acquire(this.key, {
      ...this.options,
      renew: true,
      reentrant: false,
      timeout: `${LONGEST_WAIT}ms`,
      maxWaiters: Infinity,
      keyTemplate: WATCH_TEMPLATE,
    });
    await lock.release();
  }

  /** Resolves once the job was tried in this process, or a worker of another one has taken it: one job a release. */
  private async wakeOldest(): Promise<void> {
    for (const [id, { job }] of this.jobs) {
      this.jobs.delete(id);
      const tried = new AbortController();
      this.woken = {
        id,
        onTried: () => {
          tried.abort();
        },
      };
      if (await wake(job)) {
        await untilTaken(job, tried.signal);
        break;
      }
    }
    this.woken = undefined;
  }
}

async function untilTaken(job: Job, tried: AbortSignal): Promise<void> {
  for (let look = FIRST_LOOK; ; look = Math.min(LONGEST_LOOK, look * 2)) {
    await delay(look, undefined, { signal: tried, ref: false }).catch(() => undefined);
    if (tried.aborted || !(await isWaiting(job))) return;
  }
}

async function isWaiting(job: Job): Promise<boolean> {
  try {
    return WAITING.includes(await job.getState());
  } catch {
    return false;
  }
}

/** Whether the job was delayed until now. If not, another worker has it, or its time has come. */
async function wake(job: Job): Promise<boolean> {
  try {
    await job.promote();
    return true;
  } catch {
    return false;
  }
}
