import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SERVERS, type Store } from '../store.js';
import type { InstanceMessage } from './instance.js';

const INSTANCE = fileURLToPath(new URL('./instance.js', import.meta.url));
const GRACE_MS = 5_000;

/** The shop in processes of its own, each with its URL. */
export class Instances {
  private readonly children: ChildProcess[] = [];

  async start(count: number, store: Store): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, async () => this.startOne(store)));
  }

  async stop(): Promise<void> {
    await Promise.all(this.children.map(end));
  }

  private async startOne(store: Store): Promise<string> {
    const child = fork(INSTANCE, {
      // A session of its own: Ctrl-C in a terminal goes to all of its processes, but this one ends the instances.
      detached: true,
      // Options for this process, such as --inspect-brk, are not meant for the instances.
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '', ...environmentOf(store) },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.children.push(child);
    const message = await new Promise<InstanceMessage>((resolve, reject) => {
      child.once('message', resolve).once('error', reject);
      child.once('exit', (code) => {
        reject(new Error(`An instance ended while starting (exit code ${String(code)})`));
      });
    });
    if ('error' in message) throw new Error(message.error);
    return message.url;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  await exited;
  clearTimeout(timer);
}

/** Names this store alone, whatever the environment of the demo names. */
function environmentOf(store: Store): Record<string, string> {
  const variables: Record<string, string> = { [SERVERS.redis.variable]: '', [SERVERS.postgres.variable]: '' };
  if (store.kind !== 'memory') variables[SERVERS[store.kind].variable] = store.url;
  return variables;
}
