import type { Job } from 'bullmq';
import type { AcquireOptions } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import { KeyWatch } from './key-watch.js';

/** Each watched key is a queue entry in the store, which is renewed every second. */
const MOST_KEYS = 5000;

/** The busy keys of the jobs that one processor of this process has put back. */
export class KeyWatches {
  private readonly byKey = new Map<string, KeyWatch>();

  constructor(
    private readonly locking: LockingService,
    private readonly options: Pick<AcquireOptions, 'provider' | 'expire'>,
  ) {}

  /** Whether jobs of `key` can be woken. If not, so many keys are watched that they have to come back by themselves. */
  accepts(key: string): boolean {
    return this.byKey.has(key) || this.byKey.size < MOST_KEYS;
  }

  /** Wakes `job`, which was put back for `milliseconds`, when `key` is released and its turn has come. */
  add(key: string, job: Job, milliseconds: number): void {
    let watch = this.byKey.get(key);
    if (!watch) {
      watch = new KeyWatch(this.locking, key, this.options, () => this.byKey.delete(key));
      this.byKey.set(key, watch);
    }
    watch.add(job, milliseconds);
  }

  /** Notes that a worker of this process has tried a job of `key`. */
  tried(key: string, job: Job): void {
    this.byKey.get(key)?.tried(job.id ?? '');
  }
}
