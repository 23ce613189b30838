import type { Participant } from '../contenders/participants.js';
import { WorkerProcess } from './worker-process.js';

/** At most. */
const WARM_UP_MS = 1_300;

/** For processes that take part only in rows with many waiters, or that replace a process which is still busy. */
const SHORT_WARM_UP_MS = 200;

/**
 * The processes that the contenders run in, each started when it is first needed. Every contender has processes of its
 * own, so that its timers, garbage and compiled code do not disturb the others.
 */
export class Crew {
  private readonly workers = new Map<string, Promise<WorkerProcess>>();
  private closed = false;

  /** @param urls - of the Redis for the jobs, and of the PostgreSQL for the locks if they are there */
  constructor(private readonly urls: readonly string[]) {}

  /** The workers with the numbers 0 to `count` - 1. */
  async workersOf(participant: Participant, count: number): Promise<WorkerProcess[]> {
    return Promise.all(Array.from({ length: count }, async (_, number) => this.workerOf(participant, number)));
  }

  async workerOf(participant: Participant, number = 0): Promise<WorkerProcess> {
    const slot = `${participant.name} ${String(number)}`;
    const existing = await this.workers.get(slot)?.catch(() => undefined);
    if (existing?.usable) return existing;
    if (this.closed) throw new Error('The bench is over');
    const started = this.start(participant, number === 0 && !existing ? WARM_UP_MS : SHORT_WARM_UP_MS);
    this.workers.set(slot, started);
    return started;
  }

  async close(): Promise<void> {
    this.closed = true;
    const started = await Promise.allSettled(this.workers.values());
    await Promise.all(started.map(async (worker) => worker.status === 'fulfilled' && worker.value.end()));
  }

  private async start(participant: Participant, ms: number): Promise<WorkerProcess> {
    const worker = await WorkerProcess.start(participant, this.urls);
    try {
      await worker.call('warmUp', { ms });
      return worker;
    } catch (error) {
      await worker.end();
      throw error;
    }
  }
}
