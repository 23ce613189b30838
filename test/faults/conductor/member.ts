import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Notice, Order, WorkerSetup } from '../worker/orders.js';

/** A frozen process that has lost its conductor is woken after so many more seconds, and then ends by itself. */
const GUARD_SECONDS = 5;

/** The conductor's side of a worker process. */
export class Member {
  readonly name: string;
  readonly exited: Promise<number | null>;
  private readonly child: ChildProcess;
  private readonly heard = new Map<Notice, () => void>();
  private readonly notices = new Map<Notice, Promise<void>>();

  constructor(script: string, setup: WorkerSetup, logFile: string) {
    this.name = setup.name;
    const log = openSync(logFile, 'a');
    this.child = fork(script, [JSON.stringify(setup)], {
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '' },
      stdio: ['ignore', log, log, 'ipc'],
    });
    for (const notice of ['ready', 'stopped'] as const) {
      this.notices.set(notice, new Promise((resolve) => this.heard.set(notice, resolve)));
    }
    this.child.on('message', (notice: Notice) => this.heard.get(notice)?.());
    // Sending to a process that has just ended fails.
    this.child.on('error', () => undefined);
    this.exited = once(this.child, 'exit').then(([code]) => code as number | null);
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves with whether the worker has sent the notice in time, and still runs. */
  async says(notice: Notice, withinMs: number): Promise<boolean> {
    const said = this.notices.get(notice)!.then(() => true);
    const gone = this.exited.then(() => false);
    const late = delay(withinMs, false, { ref: false });
    return Promise.race([said, gone, late]);
  }

  tell(order: Order): void {
    if (this.child.connected) this.child.send(order, () => undefined);
  }

  /** Freezes the worker for `ms`. If this process ends meanwhile, a helper process wakes the worker. */
  async freeze(ms: number): Promise<void> {
    const pid = this.child.pid;
    if (!this.running || pid === undefined) return;
    const script = `sleep ${GUARD_SECONDS + Math.ceil(ms / 1000)}; kill -CONT ${pid} 2>/dev/null`;
    const guard = spawn('sh', ['-c', script], { detached: true, stdio: 'ignore' });
    guard.unref();
    this.child.kill('SIGSTOP');
    await delay(ms);
    this.child.kill('SIGCONT');
    if (guard.pid !== undefined) process.kill(-guard.pid, 'SIGKILL');
  }

  async kill(): Promise<void> {
    if (!this.running) return;
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
