import { afterEach } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const script = fileURLToPath(new URL('../processes/worker.mjs', import.meta.url));

type Message = Record<string, unknown>;

/** Another script than `worker.mjs`, and what it finds in its environment. */
export interface WorkerProgram {
  readonly file: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Where a worker finds its store: the URL of a server, or nodes of a cluster. */
export type WorkerStore = string | { readonly nodes: readonly { host: string; port: number }[] };

/** An application process; see `worker.mjs` for what it can be told. */
export class Worker {
  private readonly heard: Message[] = [];

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message) => this.heard.push(message as Message));
  }

  static async start(store: WorkerStore, program: WorkerProgram = { file: script, env: {} }): Promise<Worker> {
    const where = typeof store === 'string' ? { REDIS_URL: store } : { REDIS_NODES: JSON.stringify(store.nodes) };
    const child = fork(program.file, { env: { ...process.env, ...where, ...program.env, NODE_OPTIONS: '' } });
    const worker = new Worker(child);
    await worker.hear('ready');
    return worker;
  }

  tell(message: Message): void {
    this.child.send(message);
  }

  /** The next message that has `name`, also one that came before. */
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

  /** Has it close its application; resolves with its exit code once it has ended by itself. */
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

/** Starts workers, and sees to it that none outlives its test. */
export function useWorkers(): (store: WorkerStore, count: number, program?: WorkerProgram) => Promise<Worker[]> {
  let workers: Worker[] = [];
  afterEach(() => {
    for (const worker of workers) worker.kill();
    workers = [];
  });
  return async (store, count, program) => {
    const started = await Promise.all(Array.from({ length: count }, () => Worker.start(store, program)));
    workers.push(...started);
    return started;
  };
}
