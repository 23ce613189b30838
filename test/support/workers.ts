import { afterEach } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../processes/worker.mjs', import.meta.url));

type Message = Record<string, unknown>;

/** Where a worker finds its store: the URL of a server, or nodes of a cluster. */
export type WorkerStore = string | { readonly nodes: readonly { host: string; port: number }[] };

/** An application process; `worker.mjs` lists its orders. */
export class Worker {
  private readonly heard: Message[] = [];

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message) => this.heard.push(message as Message));
  }

  static async start(store: WorkerStore, program: string, env: NodeJS.ProcessEnv): Promise<Worker> {
    const where = typeof store === 'string' ? { REDIS_URL: store } : { REDIS_NODES: JSON.stringify(store.nodes) };
    const child = fork(program, { env: { ...process.env, ...where, ...env, NODE_OPTIONS: '' } });
    const worker = new Worker(child);
    await worker.hear('ready');
    return worker;
  }

  tell(message: Message): void {
    this.child.send(message);
  }

  /** The next message that has `name`, also one that has already arrived. */
  async hear(name: string): Promise<Message> {
    for (;;) {
      const index = this.heard.findIndex((message) => name in message);
      if (index >= 0) return this.heard.splice(index, 1)[0]!;
      if (this.child.exitCode !== null) throw new Error(`The worker ended before it said "${name}"`);
      await Promise.race([once(this.child, 'message'), once(this.child, 'exit')]);
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Makes it close its application; resolves with its exit code once it has ended by itself. */
  async close(): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    this.tell({ do: 'close' });
    const [code] = (await once(this.child, 'exit')) as [number | null];
    return code;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/**
 * Starts workers, and kills those that are left after each test.
 *
 * @param program - another script than `worker.mjs`, which reports `ready` and knows `close` like that
 */
export function useWorkers(
  program = script,
): (store: WorkerStore, count: number, env?: NodeJS.ProcessEnv) => Promise<Worker[]> {
  let workers: Worker[] = [];
  afterEach(() => {
    for (const worker of workers) worker.kill();
    workers = [];
  });
  return async (store, count, env = {}) => {
    const started = await Promise.all(Array.from({ length: count }, () => Worker.start(store, program, env)));
    workers.push(...started);
    return started;
  };
}
