import { afterEach } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('cron-worker.mjs', import.meta.url));

/** A report of a worker: `ready`, `inside` and `outside` of a run. */
export interface Said {
  readonly worker: CronWorker;
  readonly message: Record<string, unknown>;
}

export interface CronWorkerOptions {
  readonly redisUrl: string;
  /** The error of its clock, in milliseconds. */
  readonly skew: number;
}

/** An application process with a job on every second; see `cron-worker.mjs`. */
export class CronWorker {
  constructor(readonly child: ChildProcess) {}

  /** Makes its next run, or that of a tick, last until `wake` is called. */
  hold(tick?: string): void {
    this.child.send({ do: 'hold', tick });
  }

  /** Ends the run that it holds. */
  wake(): void {
    this.child.send({ do: 'wake' });
  }

  async close(): Promise<number | null> {
    this.child.send({ do: 'close' });
    const [code] = (await once(this.child, 'exit')) as [number | null];
    return code;
  }
}

export interface CronWorkers {
  /** Starts workers; resolves once all are ready. */
  start(options: readonly CronWorkerOptions[]): Promise<CronWorker[]>;
  /** All reports until now. */
  readonly said: readonly Said[];
}

/** Starts workers, and kills those that are left after each test. */
export function useCronWorkers(): CronWorkers {
  const workers: CronWorker[] = [];
  const said: Said[] = [];

  afterEach(() => {
    for (const { child } of workers.splice(0)) child.kill('SIGKILL');
    said.length = 0;
  });

  const start = async ({ redisUrl, skew }: CronWorkerOptions): Promise<CronWorker> => {
    const env = { ...process.env, REDIS_URL: redisUrl, SKEW: String(skew), NODE_OPTIONS: '' };
    const worker = new CronWorker(fork(script, { env }));
    workers.push(worker);
    worker.child.on('message', (message) => said.push({ worker, message: message as Said['message'] }));
    await once(worker.child, 'message');
    return worker;
  };

  return { said, start: async (options) => Promise.all(options.map(start)) };
}
