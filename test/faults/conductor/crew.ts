import { join } from 'node:path';
import { files } from '../history/files.js';
import type { Random } from '../random.js';
import type { Order, WorkerSetup } from '../worker/orders.js';
import { Member } from './member.js';

const READY_WITHIN_MS = 60_000;
const STOPPED_WITHIN_MS = 60_000;
const EXIT_WITHIN_MS = 20_000;

/** The common part of the setups of workers, and the part of each one. */
export interface CrewPlan {
  readonly script: string;
  readonly folder: string;
  readonly size: number;
  readonly setupOf: (index: number) => Omit<WorkerSetup, 'name' | 'historyFile'>;
}

/** The worker processes, each with an index. A worker that is killed is replaced by another one. */
export class Crew {
  private readonly members: Member[] = [];
  private readonly generations: number[] = [];

  constructor(private readonly plan: CrewPlan) {}

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.plan.size }, async (_, index) => this.replace(index)));
  }

  /** Chooses the index of a worker. */
  draw(random: Random): number {
    return Math.floor(random.next() * this.plan.size);
  }

  nameOf(index: number): string {
    return this.members[index]!.name;
  }

  /** Resolves with its name. */
  async kill(index: number): Promise<string> {
    const member = this.members[index]!;
    await member.kill();
    return member.name;
  }

  /** Starts a process with this index. */
  async replace(index: number): Promise<void> {
    const generation = (this.generations[index] ?? -1) + 1;
    this.generations[index] = generation;
    const { script, folder, setupOf } = this.plan;
    const name = `${index}.${generation}`;
    const setup = { ...setupOf(index), name, historyFile: files.worker(folder, name) };
    const member = new Member(script, setup, join(folder, `worker-${name}.log`));
    this.members[index] = member;
    if (!(await member.says('ready', READY_WITHIN_MS))) throw new Error(`Worker ${name} did not start: see its log`);
  }

  async freeze(index: number, ms: number): Promise<string> {
    const member = this.members[index]!;
    await member.freeze(ms);
    return member.name;
  }

  tell(index: number, order: Order): string {
    const member = this.members[index]!;
    member.tell(order);
    return member.name;
  }

  /** Makes all workers finish their calls; returns a problem for each that did not. */
  async stop(): Promise<string[]> {
    return this.ask({ do: 'stop' }, async (member) => {
      if (!(await member.says('stopped', STOPPED_WITHIN_MS))) return `worker ${member.name} did not finish its calls`;
    });
  }

  /** Makes all workers close; returns a problem for each that did not end by itself. */
  async close(): Promise<string[]> {
    return this.ask({ do: 'close' }, async (member) => {
      const timer = setTimeout(() => void member.kill(), EXIT_WITHIN_MS);
      const code = await member.exited;
      clearTimeout(timer);
      if (code !== 0) return `worker ${member.name} ended with ${code ?? 'a signal'}`;
    });
  }

  /** Ends all workers, in any state. */
  async end(): Promise<void> {
    await Promise.all(this.members.map(async (member) => member.kill()));
  }

  private async ask(order: Order, answer: (member: Member) => Promise<string | undefined>): Promise<string[]> {
    const answers = this.members.map(async (member) => {
      member.tell(order);
      return answer(member);
    });
    return (await Promise.all(answers)).filter((problem) => problem !== undefined);
  }
}
