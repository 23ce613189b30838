import { lockingChannels } from '../../diagnostics/channels.js';
import type { LockOrigin } from '../../diagnostics/messages.interface.js';
import { StoreTrace } from '../../diagnostics/traces.js';
import { LockBackendError } from '../../errors/index.js';
import {
  isBatching,
  isCancel,
  StoreNotReachedError,
  type BatchingStore,
  type CancelRequest,
  type EndRequest,
  type ExtendRequest,
  type LeaseAnswer,
  type LeaseRequest,
  type LeaseStore,
  type ReleaseOutcome,
  type ReleaseRequest,
} from '../../provider-api/index.js';
import { Alarm } from '../runtime/alarm.js';
import type { Clock } from '../runtime/clock.js';
import { callFailed, noAnswer } from '../engine.messages.js';
import { LinkedList } from '../runtime/linked-list.js';
import { inNeutralContext, makeInNeutralContext } from '../runtime/neutral-context.js';
import { RequestBatcher, type AnswerSink, type CallLog, type OpenCall } from './request-batcher.js';
import { RecentReleases } from './recent-releases.js';

/** How long a store may take over one call, in milliseconds, before it counts as down. */
export const STORE_ANSWER_TIMEOUT = 5000;

/** Of calls that no application makes, such as those of the command line. */
export const NO_ORIGIN: LockOrigin = { application: '', provider: '' };

/** Cheaper than `queueMicrotask`, which keeps track of contexts that do not matter here. */
const SETTLED = Promise.resolve();

/**
 * Calls into the store. The requests of one turn of the event loop go out as one call per kind: releases first, so that
 * the next attempt finds the key free. A store with a `pipelinedBatch` is called sooner whenever that many acquires have
 * come together. Each failure becomes a {@link LockBackendError}, and a store that never answers a
 * call does not hang its caller.
 */
export class StoreCalls implements CallLog {
  private readonly pending = new LinkedList<OpenCall>();
  private readonly alarm: Alarm;
  private scheduled = false;
  private readonly onIdle: (() => void)[] = [];
  private readonly releases: RequestBatcher<ReleaseRequest, readonly ReleaseOutcome[]>;
  private readonly cancels: RequestBatcher<CancelRequest, readonly ReleaseOutcome[]>;
  private readonly extensions: RequestBatcher<ExtendRequest, readonly boolean[]>;
  private readonly acquires: RequestBatcher<LeaseRequest, LeaseAnswer>;

  readonly recent: RecentReleases;

  /** How many acquires make a call before the turn is over. */
  private readonly pipelined: number | undefined;

  /**
   * Only a store that is connected to can be: a remembered release outlives its call, which costs the collector time. Its
   * connection also keeps the process while an answer is owed, which other stores need the alarm for.
   */
  private readonly canBeReplaced: boolean;

  constructor(
    store: LeaseStore,
    private readonly clock: Clock,
    private readonly origin = NO_ORIGIN,
  ) {
    this.canBeReplaced = store.connect !== undefined;
    this.alarm = new Alarm(clock, this.expireDue, !this.canBeReplaced);
    this.recent = new RecentReleases(clock);
    const batch = batchesOf(store);
    this.pipelined = isBatching(store) ? store.pipelinedBatch : undefined;
    this.releases = new RequestBatcher('release', batch.releaseBatch, this);
    this.cancels = new RequestBatcher('release', batch.cancelBatch, this);
    this.extensions = new RequestBatcher('renew', batch.extendBatch, this);
    this.acquires = new RequestBatcher('lock', batch.acquireBatch, this);
  }

  /** For how many milliseconds the store has owed an answer. */
  get silence(): number {
    const oldest = this.pending.first;
    return oldest ? this.clock.now() - oldest.since : 0;
  }

  /** Returns the request's place among those that go out together, by which it can be cancelled. */
  acquire(request: LeaseRequest, sink: AnswerSink<LeaseAnswer>): number {
    this.schedule();
    const place = this.acquires.add(request, sink);
    if (place + 1 === this.pipelined) inNeutralContext(this.sendAhead);
    return place;
  }

  /** Cancels an acquire that has not been sent yet; returns whether it had not. */
  cancelUnsent(request: LeaseRequest, place: number): boolean {
    return this.acquires.cancel(request, place);
  }

  isUnsent(request: LeaseRequest, place: number): boolean {
    return this.acquires.has(request, place);
  }

  extend(request: ExtendRequest, sink: AnswerSink<readonly boolean[]>): void {
    this.extensions.add(request, sink);
    this.schedule();
  }

  /** Releases a lock, or cancels an attempt. */
  release(request: EndRequest, sink: AnswerSink<readonly ReleaseOutcome[]>): void {
    if (this.canBeReplaced) this.recent.note(request);
    if (isCancel(request)) this.cancels.add(request, sink);
    else this.releases.add(request, sink);
    this.schedule();
  }

  /** The same, as a promise. */
  async askToRelease(request: EndRequest): Promise<readonly ReleaseOutcome[]> {
    return new Promise((resolve, reject) => {
      this.release(request, {
        answered: (outcomes) => {
          resolve(this.recent.outcomesOf(request, outcomes));
        },
        failed: reject,
      });
    });
  }

  /** Any other call. */
  async run<T>(action: string, keys: readonly string[], call: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => {
        open.trace?.fail(cause);
        this.close(open);
        reject(new LockBackendError(keys, callFailed(action, keys, cause), { cause }));
      };
      const open: OpenCall = { since: this.clock.now(), action, size: 1, expire: fail };
      this.open(open);
      inNeutralContext(call).then((value) => {
        this.close(open);
        resolve(value);
      }, fail);
      open.trace?.returned();
      this.watch(open);
    });
  }

  /** Whether nothing is under way, or about to be. */
  get isIdle(): boolean {
    return this.pending.size === 0 && !this.scheduled;
  }

  /** Resolves when nothing is under way, or about to be. */
  async whenIdle(): Promise<void> {
    while (!this.isIdle) await new Promise<void>((resolve) => this.onIdle.push(resolve));
  }

  /** No answer is waited for any more to what has been asked until now. */
  expireAll(cause: Error): void {
    for (const call of [...this.pending]) {
      call.trace?.fail(cause, call.size);
      this.close(call);
      call.expire(cause);
    }
  }

  open(call: OpenCall): void {
    if (lockingChannels.store.hasSubscribers) {
      call.trace = new StoreTrace(this.origin, OPERATIONS[call.action] ?? call.action, call.size, call.since);
    }
    this.pending.add(call);
  }

  watch({ since }: OpenCall): void {
    this.alarm.set(since + STORE_ANSWER_TIMEOUT, since);
  }

  close(call: OpenCall): void {
    call.trace?.end(this.clock.now());
    this.pending.remove(call);
    if (this.pending.size > 0) return;
    this.alarm.clear();
    this.tellIdle();
  }

  now(): number {
    return this.clock.now();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    makeInNeutralContext(this.sendSoon);
  }

  /** In no caller's context: what is sent together belongs to many, and what a provider makes for it to all who follow. */
  private readonly sendSoon = (): void => {
    void SETTLED.then(this.send);
  };

  private readonly send = (): void => {
    this.scheduled = false;
    this.sendAll();
    if (this.onIdle.length > 0) this.tellIdle();
  };

  /** The store is to work while the callers of this turn go on asking. */
  private readonly sendAhead = (): void => {
    this.sendAll(true);
  };

  private sendAll(ahead = false): void {
    this.releases.send(ahead);
    this.cancels.send(ahead);
    this.extensions.send(ahead);
    this.acquires.send(ahead);
  }

  private tellIdle(): void {
    if (this.isIdle) for (const resolve of this.onIdle.splice(0)) resolve();
  }

  /** The oldest call is due first. */
  private readonly expireDue = (now: number, due: number): void => {
    for (const call of [...this.pending]) {
      if (call.since > now - STORE_ANSWER_TIMEOUT) break;
      const silence = new Error(noAnswer(STORE_ANSWER_TIMEOUT, now - due));
      call.trace?.fail(silence, call.size);
      this.close(call);
      call.expire(silence);
    }
    const oldest = this.pending.first;
    if (oldest) this.alarm.set(oldest.since + STORE_ANSWER_TIMEOUT, now);
  };
}

/** Actions, which stand in messages of errors, by the names of the store's primitives. */
const OPERATIONS: Readonly<Record<string, string>> = {
  lock: 'acquire',
  renew: 'extend',
  'force free': 'revoke',
  'make sure of': 'assert',
};

type BatchMethods = Pick<BatchingStore, 'acquireBatch' | 'extendBatch' | 'releaseBatch' | 'cancelBatch'>;

/** The requests of a turn go out as one batch, or one by one to a store that has no batches. */
function batchesOf(store: LeaseStore): BatchMethods {
  if (isBatching(store)) {
    return {
      acquireBatch: (requests) => store.acquireBatch(requests),
      extendBatch: (requests) => store.extendBatch(requests),
      releaseBatch: (requests) => store.releaseBatch(requests),
      cancelBatch: (requests) => store.cancelBatch(requests),
    };
  }
  return {
    acquireBatch: (requests) => requests.map(async (request) => store.acquire(request)),
    extendBatch: (requests) => requests.map(async (request) => store.extend(request)),
    releaseBatch: (requests) => requests.map(async (request) => store.release(request)),
    cancelBatch: (requests) => requests.map(async (request) => store.cancel(request)),
  };
}

/** Whether a failed call may have been carried out all the same. */
export function mayHaveRun(error: unknown): boolean {
  return !saysNotReached(error) && !(error instanceof Error && saysNotReached(error.cause));
}

/** By its name, which is written out: a provider may have the class from the other module format of this package. */
function saysNotReached(error: unknown): boolean {
  return error instanceof StoreNotReachedError || (error instanceof Error && error.name === 'StoreNotReachedError');
}
