import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { WorkerMessage, WorkerOrder } from './worker.js';

const GRACE_MS = 5_000;

/** A worker in a process of its own. */
export class WorkerProcess {
  private readonly child: ChildProcess;
  private readonly heard: WorkerMessage[] = [];

  /** @param program - the file of its program */
  constructor(
    program: string,
    readonly instanceId: string,
    redisUrl: string,
  ) {
    this.child = fork(program, {
      // A session of its own: Ctrl-C in a terminal goes to all of its processes, but this one ends the workers.
      detached: true,
      execArgv: [],
      env: { ...process.env, NODE_OPTIONS: '', INSTANCE_ID: instanceId, LOCKING_REDIS_URL: redisUrl },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.child.on('message', (message) => this.heard.push(message as WorkerMessage));
  }

  async ready(): Promise<void> {
    const message = await this.next();
    if ('error' in message) throw new Error(message.error);
  }

  /** Resolves once the worker is half-way through its work, where it stops. */
  async stuck(order: WorkerOrder = { do: 'get stuck' }): Promise<void> {
    this.send(order);
    await this.next();
  }

  send(order: WorkerOrder): void {
    this.child.send(order);
  }

  /** SIGSTOP pauses the process, SIGCONT ends the pause. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.child.kill(signal);
  }

  async kill(): Promise<void> {
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    if (this.hasEnded) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    // A paused process hears of it only when it goes on.
    this.child.kill('SIGCONT');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), GRACE_MS);
    await exited;
    clearTimeout(timer);
  }

  private get hasEnded(): boolean {
    return this.child.pid === undefined || this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** The next message of the worker. */
  async next(): Promise<WorkerMessage> {
    for (;;) {
      const message = this.heard.shift();
      if (message) return message;
      if (this.hasEnded) throw new Error(`The worker ${this.instanceId} ended by itself`);
      await Promise.race([once(this.child, 'message'), once(this.child, 'exit')]);
    }
  }
}
