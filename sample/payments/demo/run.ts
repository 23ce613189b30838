import { Queue } from 'bullmq';
import { setTimeout as delay } from 'node:timers/promises';
import { Bank } from '../bank/bank.js';
import type { Entry } from '../bank/entry.js';
import { PAYMENTS, type Payment } from '../payments/payment.js';
import { settings } from '../settings.js';
import { audit, type Audit, type Kill } from './audit.js';
import { queueFigures, type QueueFigures } from './queue-figures.js';
import type { WorkerProcess } from './worker-process.js';

const { prefix, attempts, backoff } = settings.queue;

export interface RunResult {
  readonly audit: Audit;
  readonly figures: QueueFigures;
  readonly killed: string;
  readonly tookMs: number;
}

/** Adds the payments, kills the leader in the middle of a charge, and waits until everything is done. */
export async function run(
  plan: readonly Payment[],
  workers: readonly WorkerProcess[],
  redisUrl: string,
): Promise<RunResult> {
  const queue = new Queue<Payment>(PAYMENTS, {
    connection: { url: redisUrl },
    prefix,
    defaultJobOptions: { attempts, backoff },
  });
  const bank = new Bank();
  try {
    const leader = await findLeader(bank, workers);
    const start = performance.now();
    const stuck = leader.stuck();
    await queue.addBulk(plan.map((data) => ({ name: 'pay', data })));
    await stuck;
    await leader.kill();
    const kill = { instance: leader.instanceId, ledgerLength: (await bank.entries()).length };
    await until(async () => (await left(queue)) === 0 && hasSuccessor(await bank.entries(), kill));
    const tookMs = performance.now() - start;
    const entries = await bank.entries();
    const jobs = await queue.getJobs(['completed', 'failed']);
    const result = {
      audit: audit(plan, entries, kill),
      figures: queueFigures(jobs, await queue.getFailedCount(), entries),
    };
    return { ...result, killed: kill.instance, tookMs };
  } finally {
    bank.onApplicationShutdown();
    await queue.close();
  }
}

async function findLeader(bank: Bank, workers: readonly WorkerProcess[]): Promise<WorkerProcess> {
  for (;;) {
    const last = (await bank.entries()).at(-1);
    const leader = workers.find(({ instanceId }) => instanceId === last?.instance);
    if (leader) return leader;
    await delay(50);
  }
}

function hasSuccessor(entries: readonly Entry[], { instance, ledgerLength }: Kill): boolean {
  const since = entries.slice(ledgerLength);
  return since.some((entry) => entry.kind === 'settlement' && entry.instance !== instance);
}

async function left(queue: Queue): Promise<number> {
  const counts = await queue.getJobCounts('wait', 'active', 'delayed', 'prioritized');
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Polls without a limit of its own: the demo as a whole has one. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(50);
}
