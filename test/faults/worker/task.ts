import { setTimeout as delay } from 'node:timers/promises';
import type { LockingService } from 'nestjs-locking';
import { now } from '../clock.js';
import type { Appender } from '../history/append.js';
import type { LockCallKind, WorkerRecord } from '../history/records.js';
import { Random } from '../random.js';
import { LONGEST_JOB } from '../rules/promises.js';
import { callers, type PlannedCall } from './callers.js';
import type { Holder } from './holder.js';
import type { WorkerSetup } from './orders.js';

/** Longer than any wait may last: a waiter that times out has been forgotten. */
const PATIENCE = 20_000;
const LONGEST_THINKING = 60;
const LONGEST_USUAL_JOB = 20;

/** The percentage of each kind of call; the rest are plain jobs. */
const SHARES: readonly (readonly [LockCallKind, number])[] = [
  ['several', 3],
  ['fixed', 7],
  ['try', 6],
  ['short', 5],
  ['aborted', 3.5],
];

/** One task of a worker: it makes calls, one after another. */
export class Task {
  private readonly random: Random;
  private readonly first: number;
  private calls = 0;
  private stopped = false;

  constructor(
    private readonly setup: WorkerSetup,
    index: number,
    private readonly locking: LockingService,
    private readonly history: Appender<WorkerRecord>,
    private readonly holder: Holder,
  ) {
    this.random = new Random(setup.seed, setup.name, index);
    this.first = index * 1e7;
  }

  stop(): void {
    this.stopped = true;
  }

  async run(): Promise<void> {
    while (!this.stopped) {
      await delay(this.random.between(0, LONGEST_THINKING));
      const planned = this.plan();
      const { id, call, keys, lease, timeout } = planned;
      this.history.add({ e: 'join', t: now(), id, call, keys, lease, timeout });
      try {
        const got = await callers[call](this.locking, planned, async (lock) => this.holder.work(id, lock, planned.ms));
        if (!got) this.history.add({ e: 'none', t: now(), id });
      } catch (error) {
        const { code, name, message } = error as { code?: unknown; name: string; message: string };
        this.history.add({ e: 'fail', t: now(), id, code: typeof code === 'string' ? code : name, text: message });
      }
    }
  }

  /** Always makes the same number of draws, so that the next call does not depend on the outcome of this one. */
  private plan(): PlannedCall {
    const { random, setup } = this;
    const call = this.kind(random.between(0, 100));
    const first = random.pick(setup.keys);
    const second = random.pick(setup.keys);
    const job = random.between(0, LONGEST_USUAL_JOB);
    const patience = random.between(10, 1500);
    const longer = random.between(1.2, LONGEST_JOB);
    this.calls += 1;
    return {
      id: this.first + this.calls,
      call,
      keys: call === 'several' ? [...new Set([first, second])].sort() : [first],
      lease: setup.lease,
      timeout: call === 'short' || call === 'aborted' ? Math.round(patience) : call === 'try' ? 0 : PATIENCE,
      ms: call === 'long' ? setup.lease * longer : job,
    };
  }

  private kind(drawn: number): LockCallKind {
    let reached = this.setup.longJobs;
    if (drawn < reached) return 'long';
    for (const [kind, share] of SHARES) if (drawn < (reached += share)) return kind;
    return 'job';
  }
}
