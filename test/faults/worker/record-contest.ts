import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { IdempotencyService, LockingService } from 'nestjs-locking';
import { now } from '../clock.js';
import type { Appender } from '../history/append.js';
import type { WorkerRecord } from '../history/records.js';
import { Random } from '../random.js';
import type { WorkerSetup } from './orders.js';

/** A new payment comes up every so many milliseconds, and is asked for again and again for a while. */
const NEW_PAYMENT_EVERY = 400;
const PAYMENTS_AT_A_TIME = 4;

const IMPORTS = 2;

/** A worker's part in what is kept beside the locks: payments that are made once, and imports that go on where they were. */
export class RecordContest {
  private readonly running: Promise<unknown>;
  private stopped = false;

  constructor(
    private readonly setup: WorkerSetup,
    private readonly idempotency: IdempotencyService,
    private readonly locking: LockingService,
    private readonly history: Appender<WorkerRecord>,
  ) {
    this.running = Promise.all([this.pay(), this.import()]);
  }

  /** Resolves once nothing is under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
  }

  private async pay(): Promise<void> {
    const random = new Random(this.setup.seed, this.setup.name, 'payments');
    while (!this.stopped) {
      await delay(random.between(0, 120));
      const newest = Math.floor(now() / NEW_PAYMENT_EVERY);
      const key = `payment:${String(newest - Math.floor(random.between(0, PAYMENTS_AT_A_TIME)))}`;
      const took = random.between(0, 40);
      const t = now();
      const job = async (): Promise<string> => {
        const run = randomUUID();
        this.history.add({ e: 'charging', t: now(), key, run });
        await delay(took);
        return run;
      };
      try {
        const run = await this.idempotency.run(key, key, job, { wait: random.chance(0.5) ? '2s' : 0 });
        this.history.add({ e: 'charged', t, u: now(), key, run });
      } catch {
        // Refused, or the store cannot be asked: the rules look at what came back.
      }
    }
  }

  private async import(): Promise<void> {
    const random = new Random(this.setup.seed, this.setup.name, 'imports');
    while (!this.stopped) {
      await delay(random.between(0, 100));
      const key = `import:${String(Math.floor(random.between(0, IMPORTS)))}`;
      const steps = Math.floor(random.between(1, 12));
      const times = Array.from({ length: steps }, () => random.between(0, 30));
      try {
        await this.locking.execute(key, async (lock) => this.goOn(key, lock, times), { timeout: '5s' });
      } catch {
        // As above.
      }
    }
  }

  private async goOn(
    key: string,
    lock: Parameters<Parameters<LockingService['execute']>[1]>[0],
    times: readonly number[],
  ): Promise<void> {
    const token = lock.fencingToken;
    const checkpoints = lock.checkpoints<{ next: number }>();
    const asked = now();
    let { next } = (await checkpoints.loadLatest())?.data ?? { next: 0 };
    this.history.add({ e: 'loaded', t: asked, u: now(), key, token, next });
    for (const time of times) {
      // Whether or not the lock is still held: the store has to refuse a save that comes too late.
      await delay(time);
      next += 1;
      const t = now();
      let accepted = false;
      try {
        await checkpoints.save({ next });
        accepted = true;
      } finally {
        this.history.add({ e: 'saved', t, u: now(), key, token, next, accepted });
      }
    }
  }
}
