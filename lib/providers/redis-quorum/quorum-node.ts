import { queueMicrotask } from '../../engine/runtime/real-queues.js';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isCancel,
  StoreNotReachedError,
  type BatchingStore,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type ReleaseOutcome,
  type EndRequest,
  type StoredLease,
} from '../../provider-api/index.js';
import type { ExaminationDepth, Finding } from '../../provider-api/operable-store.js';
import { afterReading } from './after-reading.js';
import type { RepairRequest } from '../redis/lease-scripts.js';
import { Debts } from './debts.js';
import { NodeSilence } from './node-silence.js';
import { noAnswerYet, ofNode, owesAnswer } from './redis-quorum.messages.js';
import { Repairs, sendRepairs, type Repair } from './repairs.js';

/** How soon a release that a node has failed is tried again, in milliseconds. */
const RETRY_INTERVAL = 1000;

/** A node that has noted this attempt as cancelled takes no repair of the key: see `repair.lua`. */
const NO_REPAIR = { ownerId: '', attemptId: 'repair', processId: '', pending: true } as const;

/** The store of one node. */
export interface NodeStore extends BatchingStore {
  /** Releases and cancels, in their order. */
  endBatch(requests: readonly EndRequest[]): PromiseLike<readonly ReleaseOutcome[]>[];

  repair(requests: readonly RepairRequest[]): PromiseLike<boolean>[];

  /** See `OperableStore`. The nodes number one grant differently, so the owner alone decides. */
  revokeSeen(seen: Pick<StoredLease, 'key' | 'ownerId'> & { fencingToken?: null | undefined }): Promise<boolean>;
  now(): Promise<number>;
  examine(depth: ExaminationDepth): Promise<readonly Finding[]>;
}

/** What a node reports of itself. */
export interface NodeReports {
  /** It is asked nothing any more, as it has not answered in time. */
  leftOut(node: QuorumNode): void;

  /** It has answered after all. */
  answersAgain(node: QuorumNode): void;
}

interface Attempted {
  readonly attemptId?: string;
}

/**
 * One server of a quorum. While it owes an answer for longer than `nodeTimeout` it is asked nothing: a call does not
 * wait twice for the same hang, and nothing piles up. What concerns one attempt goes to it strictly in turn, each
 * when the one before has been answered, and what it could not be told to release it is told as soon as it can be.
 */
export class QuorumNode {
  /** As its connection says. */
  isConnected = false;

  /** Whether it answers in time. */
  readonly silence: NodeSilence;

  /** For each attempt the end of what was asked last. */
  private readonly tails = new Map<string, PromiseLike<void>>();

  private readonly repairs: Repairs;
  private readonly debts = new Debts();
  private isPaying = false;
  private retry?: NodeJS.Timeout;
  private isClosed = false;

  constructor(
    readonly name: string,
    private readonly provider: NodeStore,
    private readonly nodeTimeout: number,
    reports: NodeReports,
  ) {
    const onLeftOut = (): void => {
      if (!this.isClosed) reports.leftOut(this);
    };
    this.repairs = new Repairs({
      tell: (repairs) =>
        this.inTurn(repairs, (batch) => sendRepairs(batch, (requests) => this.provider.repair(requests))),
      cancel: ({ key, ownerId, attemptId }) => {
        this.owe({ keys: [key], ownerId, attemptId, processId: '', pending: true });
      },
    });
    this.silence = new NodeSilence(nodeTimeout, onLeftOut, (hasAnswered) => {
      if (hasAnswered && !this.isClosed) reports.answersAgain(this);
      this.payLater();
    });
  }

  /** @param onConnected - called whenever it is connected, for the first time or again */
  async connect(onConnected: () => void): Promise<void> {
    await this.provider.connect?.(() => {
      this.isConnected = true;
      onConnected();
      this.payLater();
    });
  }

  /** Sends the node the releases that it still lacks once more, whether or not they arrive, and closes the connection. */
  async close(): Promise<void> {
    clearTimeout(this.retry);
    this.repairs.close();
    const owed = this.debts.all().map((request) => (isCancel(request) ? { ...request, pending: true } : request));
    this.isClosed = true;
    if (owed.length > 0) {
      const sent = Promise.allSettled(this.provider.endBatch(owed));
      if (!this.silence.isLeftOut) await Promise.race([sent, delay(this.nodeTimeout, undefined, { ref: false })]);
    }
    await this.provider.close();
  }

  /** An error of this node, for a message. */
  describe(error: unknown): string {
    return ofNode(this.name, error);
  }

  acquire(requests: readonly LeaseRequest[]): PromiseLike<LeaseAnswer>[] {
    return this.inTurn(requests, (batch) => {
      // A request that arrives makes up for the cancels that the node is still owed of the same attempt.
      const owed = this.debts.isEmpty ? [] : batch.map(({ attemptId }) => this.debts.take(attemptId));
      const answers = this.provider.acquireBatch(batch);
      owed.forEach((debts, index) => {
        if (debts.length > 0)
          answers[index]?.then(undefined, (error: unknown) => {
            this.oweAgain(debts, error);
          });
      });
      return answers;
    });
  }

  extend(requests: readonly ExtendRequest[]): PromiseLike<readonly boolean[]>[] {
    return this.ask(requests.length, () => this.provider.extendBatch(requests));
  }

  release(requests: readonly EndRequest[]): PromiseLike<readonly ReleaseOutcome[]>[] {
    return this.inTurn(requests, (batch) => this.provider.endBatch(batch));
  }

  /** Sees to it that the node releases this as soon as it can be asked. Only for what one attempt has taken. */
  owe(request: EndRequest): void {
    this.debts.add(request);
    this.payLater();
  }

  /** Gives the node a lease that it lacks. Not while it still has to cancel the same attempt. */
  repair(repair: Repair): void {
    if (this.isClosed || this.debts.has(repair.attemptId)) repair.onEnd();
    else this.repairs.add(repair);
  }

  /** @param seen - the only lease to revoke; without it, any */
  async revoke(key: string, seen?: StoredLease): Promise<number> {
    // A holder elsewhere may have been confirmed just before: its repair is not to undo what an operator does.
    const noted = this.ask(1, () => this.provider.endBatch([{ keys: [key], ...NO_REPAIR }]));
    for (const answer of noted) answer.then(undefined, () => undefined);
    if (!seen) return this.askOne(async () => this.provider.revoke([key]));
    const { ownerId, fencingToken } = seen;
    const own = { key, ownerId, fencingToken: fencingToken === null ? null : undefined };
    return this.askOne(async () => Number(await this.provider.revokeSeen(own)));
  }

  async now(): Promise<number> {
    return this.inTime(this.askOne(async () => this.provider.now()));
  }

  async examine(depth: ExaminationDepth): Promise<readonly Finding[]> {
    return this.inTime(this.askOne(async () => this.provider.examine(depth)));
  }

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    return this.askOne(async () => this.provider.inspect(keys));
  }

  /** The keys that it has, a bounded wait for each. */
  async *keys(match: string | undefined): AsyncGenerator<string> {
    const found = this.provider.list(match)[Symbol.asyncIterator]();
    for (;;) {
      const next = await this.inTime(this.askOne(async () => found.next()));
      if (next.done) return;
      yield next.value.key;
    }
  }

  private oweAgain(debts: readonly EndRequest[], error: unknown): void {
    if (error instanceof StoreNotReachedError) for (const request of debts) this.debts.add(request);
  }

  private inTurn<Request extends Attempted, Answer>(
    requests: readonly Request[],
    call: (batch: readonly Request[]) => PromiseLike<Answer>[],
  ): PromiseLike<Answer>[] {
    const isFree = ({ attemptId }: Request): boolean => attemptId === undefined || !this.tails.has(attemptId);
    const free = this.tails.size === 0 ? requests : requests.filter(isFree);
    const answers = free.length > 0 ? this.ask(free.length, () => call(free)) : [];
    let index = 0;
    return requests.map(async (request) => {
      const { attemptId } = request;
      // An index into what was sent: those that wait for their turn are not in there.
      const sent = free[index] === request ? answers[index++] : undefined;
      const answer = sent ?? this.after(attemptId, () => this.ask(1, () => call([request])));
      if (attemptId !== undefined) this.follow(attemptId, answer);
      return answer;
    });
  }

  private async after<Answer>(attemptId = '', ask: () => PromiseLike<Answer>[]): Promise<Answer> {
    if (this.silence.isLeftOut) throw new StoreNotReachedError(owesAnswer());
    await this.tails.get(attemptId);
    const [answer] = ask() as [PromiseLike<Answer>];
    return answer;
  }

  private follow(attemptId: string, answer: PromiseLike<unknown>): void {
    const end = (pay: () => void) => (): void => {
      if (this.tails.get(attemptId) !== tail) return;
      this.tails.delete(attemptId);
      if (this.debts.has(attemptId)) pay();
    };
    // A connection that is lost may refuse at once: without a pause the event loop would not turn until it is known.
    const tail = answer.then(
      end(() => {
        this.payLater();
      }),
      end(() => {
        this.payAgain();
      }),
    );
    this.tails.set(attemptId, tail);
  }

  private ask<Answer>(count: number, call: () => PromiseLike<Answer>[]): PromiseLike<Answer>[] {
    if (this.silence.isLeftOut) {
      return Array.from({ length: count }, async () => Promise.reject(new StoreNotReachedError(owesAnswer())));
    }
    let left = count;
    const done = (hasAnswered: boolean) => (): void => {
      left -= 1;
      if (left === 0) this.silence.end(open, hasAnswered);
    };
    const answers = call();
    const open = this.silence.begin();
    for (const answer of answers) answer.then(done(true), done(false));
    return answers;
  }

  private async askOne<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const [answer] = this.ask(1, () => [call()]) as [PromiseLike<Answer>];
    return answer;
  }

  private async inTime<Answer>(answer: Promise<Answer>): Promise<Answer> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        afterReading(() => {
          this.silence.note();
          reject(new Error(noAnswerYet(this.nodeTimeout)));
        });
      }, this.nodeTimeout);
    });
    return Promise.race([answer, late]).finally(() => {
      clearTimeout(timer);
    });
  }

  /** What comes up in one turn goes out together. */
  private payLater(): void {
    if (this.isPaying || this.debts.isEmpty || this.isClosed) return;
    this.isPaying = true;
    queueMicrotask(() => {
      this.isPaying = false;
      this.pay();
    });
  }

  private pay(): void {
    if (this.isClosed || !this.isConnected || this.silence.isLeftOut) return;
    const due = this.debts.next((attemptId) => !this.tails.has(attemptId));
    if (due.length === 0) return;
    const answers = this.inTurn(due, (batch) => {
      const released = this.provider.endBatch(batch);
      // Settled before anything else hears of the answer, so that nothing is paid twice.
      batch.forEach((request, index) => {
        released[index]?.then(
          () => {
            this.debts.settle(request);
          },
          () => undefined,
        );
      });
      return released;
    });
    for (const answer of answers) {
      answer.then(
        () => {
          this.payLater();
        },
        () => {
          this.payAgain();
        },
      );
    }
  }

  private payAgain(): void {
    if (this.retry || this.isClosed || this.debts.isEmpty) return;
    this.retry = setTimeout(() => {
      this.retry = undefined;
      this.payLater();
    }, RETRY_INTERVAL);
    this.retry.unref();
  }
}
