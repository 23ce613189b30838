import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOurs, OURS, type Participant } from '../contenders/participants.js';
import type { Operations } from '../worker/operations/index.js';
import type { Call, Message } from '../worker/protocol.js';

const SCRIPT = fileURLToPath(new URL('../worker/main.js', import.meta.url));

/** The same in a checkout. */
const WORKER = 'dist-bench/worker/main.js';

/** No operation takes longer than this; a package that hangs must not stop the bench. */
const GIVE_UP_AFTER_MS = 90_000;

type Given<Name extends keyof Operations> = Parameters<Operations[Name]> extends [unknown, ...infer Rest] ? Rest : [];
type Result<Name extends keyof Operations> = Awaited<ReturnType<Operations[Name]>>;

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** The parent's side of a process with one contender in it. */
export class WorkerProcess {
  private readonly pending = new Map<number, Pending>();
  private readonly ready: Promise<void>;
  private readonly exited: Promise<unknown>;
  private nextId = 0;

  private constructor(
    private readonly name: string,
    private readonly child: ChildProcess,
  ) {
    this.exited = once(child, 'exit');
    this.ready = new Promise((resolve, reject) => {
      // Kept under a number that no call has, so that an early end rejects it like the calls.
      this.pending.set(-1, {
        resolve: () => {
          resolve();
        },
        reject,
      });
    });
    child.on('message', (message: Message) => {
      this.settle(message);
    });
    child.on('exit', (code, signal) => {
      this.failAll(new Error(`the process of ${name} ended (${signal ?? String(code)})`));
    });
  }

  static async start(participant: Participant, urls: readonly string[]): Promise<WorkerProcess> {
    const { name, checkout, execPath = process.execPath } = participant;
    // Another commit is measured by its own bench, in which it is called as this one here.
    const script = checkout ? path.resolve(checkout, WORKER) : SCRIPT;
    const contender = isOurs(participant) ? OURS.name : name;
    const child = fork(script, [contender, ...urls], { execArgv: ['--expose-gc'], execPath });
    const worker = new WorkerProcess(name, child);
    await worker.ready;
    return worker;
  }

  get usable(): boolean {
    return this.child.connected && this.child.exitCode === null;
  }

  async call<Name extends keyof Operations>(operation: Name, ...[parameters]: Given<Name>): Promise<Result<Name>> {
    const id = this.nextId++;
    const answer = new Promise<unknown>((resolve, reject) => this.pending.set(id, { resolve, reject }));
    const timer = setTimeout(() => {
      this.failAll(new Error(`${this.name} did not finish ${operation} within ${String(GIVE_UP_AFTER_MS)} ms`));
      this.child.kill('SIGKILL');
    }, GIVE_UP_AFTER_MS);
    try {
      if (!this.usable) throw new Error(`the process of ${this.name} has ended`);
      this.child.send({ id, operation, parameters } satisfies Call);
      return (await answer) as Result<Name>;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Kills the process at once. Nothing in it is worth keeping. */
  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    if (this.child.exitCode === null && this.child.signalCode === null) await this.exited;
  }

  private settle(message: Message): void {
    const id = message.type === 'ready' ? -1 : message.id;
    const call = this.pending.get(id);
    this.pending.delete(id);
    if (message.type === 'answer' && message.error !== undefined) call?.reject(new Error(message.error));
    else call?.resolve(message.type === 'answer' ? message.result : undefined);
  }

  private failAll(error: Error): void {
    for (const call of this.pending.values()) call.reject(error);
    this.pending.clear();
  }
}
