import { setTimeout as delay } from 'node:timers/promises';
import type { WorkerProcess } from '../../payments/demo/worker-process.js';
import { FILES } from '../files.js';
import type { Warehouse, Write } from '../warehouse.js';
import { audit, type Audit } from './audit.js';

export interface RunResult {
  readonly audit: Audit;
  /** The files that the instances had in hand, which were killed and paused. */
  readonly killedIn: string;
  readonly pausedIn: string;
  readonly tookMs: number;
}

/** Lets all instances import, kills the first between a write and its checkpoint, and pauses the second before a write. */
export async function run(
  warehouse: Warehouse,
  [killed, paused, last]: readonly [WorkerProcess, WorkerProcess, WorkerProcess],
): Promise<RunResult> {
  const start = performance.now();
  for (const instance of [killed, paused, last]) instance.send({ do: 'begin' });
  // Each has saved a few checkpoints by then.
  await until(async () => {
    const journal = await warehouse.journal();
    return [killed, paused].every((instance) => writesOf(journal, instance).length >= 4);
  });
  await Promise.all([killed.stuck({ do: 'get stuck later' }), paused.stuck({ do: 'get stuck' })]);
  const journal = await warehouse.journal();
  const [killedIn = '', pausedIn = ''] = [killed, paused].map((instance) => writesOf(journal, instance).at(-1)?.file);
  await killed.kill();
  paused.signal('SIGSTOP');

  await until(async () => warehouse.isDone(pausedIn));
  paused.signal('SIGCONT');
  paused.send({ do: 'go on' });
  await Promise.all([paused.next(), last.next()]);
  await until(async () => (await Promise.all(FILES.map(async (file) => warehouse.isDone(file)))).every(Boolean));
  return {
    audit: audit(await warehouse.rows(), await warehouse.journal()),
    killedIn,
    pausedIn,
    tookMs: performance.now() - start,
  };
}

function writesOf(journal: readonly Write[], { instanceId }: WorkerProcess): Write[] {
  return journal.filter(({ instance }) => instance === instanceId);
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(50);
}
