import type { LeaseAnswer, LeaseRequest } from '../../provider-api/index.js';
import { ownerOf } from '../options/lock-names.js';
import { localDeadline } from '../runtime/drift.js';
import { AttemptRequest, type RequestContext, type RequestSink } from './attempt-request.js';
import type { Backoff } from './backoff.js';
import type { Polled, Poller } from './poller.js';

/** The part of a lease that must be left when it comes by message. With less it could be over before its job begins. */
const LEAST_LEFT = 1 / 6;

/** What an attempt has acquired. */
export interface Acquired {
  /** One per key. */
  readonly tokens: readonly number[];
  /** Per key, whether the owner held it already. */
  readonly reentered: readonly boolean[];
  /** Whether another process waits for it. */
  readonly contended: boolean;
  /** Until when it can be trusted, and the time now, on the lease clock. */
  readonly deadline: number;
  readonly now: number;
}

/** For what an attempt is made. `ended` comes first when it is over, whatever the end. */
export interface AttemptOwner {
  ended(attempt: AcquireAttempt): void;
  acquired(attempt: AcquireAttempt, acquired: Acquired): void;

  /** Another process holds `key`. Told each time that the store says so. */
  refused(attempt: AcquireAttempt, key: string): void;

  /** The store could not be asked: whether to go on all the same. If not, it has failed. */
  goesOnAfter(attempt: AcquireAttempt, error: unknown): boolean;
  failed(attempt: AcquireAttempt, error: unknown): void;

  /** What it acquired has expired already, or was released since. */
  late(attempt: AcquireAttempt): void;
}

/** What attempts share. */
export interface AttemptHost extends RequestContext {
  readonly poller: Poller;
  /** Whether this process may queue in the store. */
  readonly canQueue: boolean;
  newBackoff(): Backoff;
  listen(): void;
}

/** The keys to acquire, and how. */
export interface AttemptSpec {
  readonly keys: readonly string[];
  readonly ttl: number | null;
  readonly owner: AttemptOwner;
  /** The attempt's own id without it. */
  readonly ownerId?: string;
  /** What the lock is called, where the owner is not given. */
  readonly label?: string | undefined;
  /** Whether the caller named the owner, who may have acquired the keys in another process, for longer. */
  readonly named?: boolean;
  /** The only waiter that it is for; without one, it is for the first that can share a lease. */
  readonly only?: object | undefined;
  /** Ask, and do not wait. */
  readonly once: boolean;
  readonly tokens?: number;
  readonly onlyIfOwned?: boolean;
}

type Phase =
  | { readonly name: 'new' }
  | {
      /** The store has said "not yet": when it was asked, and whether the attempt is in its queue. */
      readonly name: 'waiting';
      readonly since: number;
      readonly queued: boolean;
      /** Whether the store could not be asked since. */
      readonly failed: boolean;
    }
  | { readonly name: 'over' };

const NEW: Phase = { name: 'new' };
const OVER: Phase = { name: 'over' };

/** A key that is waited for is looked at once more after so many milliseconds, whatever else happens. */
const LONGEST_CHECK = 1000;

/** A lease about to expire is not asked after more often than this, in milliseconds. */
const SHORTEST_CHECK = 2;

/**
 * One effort to get keys from the store. It asks as often as need be: the id stays the same, and so does its place in
 * the store's queue. See "Waiting" in docs/internals/protocol.md.
 */
export class AcquireAttempt implements Polled, RequestSink {
  checkAt = Infinity;
  readonly owner: AttemptOwner;
  readonly only: object | undefined;
  readonly once: boolean;
  readonly request: AttemptRequest;

  private phase: Phase = NEW;

  /** It may have been granted since the request was sent that is under way. */
  private askAgain = false;
  private backoff?: Backoff;

  constructor(
    readonly attemptId: string,
    {
      keys,
      ttl,
      owner,
      label,
      ownerId = ownerOf(attemptId, label),
      named = false,
      only,
      once,
      tokens,
      onlyIfOwned = false,
    }: AttemptSpec,
    private readonly host: AttemptHost,
  ) {
    this.owner = owner;
    this.only = only;
    this.once = once || onlyIfOwned;
    const content = { keys, ownerId, attemptId, processId: host.processId, ttl, onlyIfOwned, tokens };
    this.request = new AttemptRequest(content, named ? null : ttl, host, this);
  }

  get content(): LeaseRequest {
    return this.request.content;
  }

  get isOver(): boolean {
    return this.phase.name === 'over';
  }

  /** Whether the store has ever said "not yet". */
  get isRefused(): boolean {
    return this.phase.name === 'waiting';
  }

  /** Without an entry in the store's queue it keeps its own pace, which is random. */
  get mayComeEarlier(): boolean {
    return this.phase.name === 'waiting' && this.phase.queued;
  }

  ask(): void {
    if (this.isOver || this.request.isBusy) return;
    const { host, phase, once, content } = this;
    const isSingle = content.keys.length === 1;
    const queue = host.canQueue && !once && isSingle;
    this.request.send(queue, phase.name === 'waiting' && !phase.failed && isSingle);
  }

  poll(): void {
    this.ask();
  }

  mayAskAgain(): void {
    this.ask();
  }

  /** The store may have granted it just now. */
  askNow(): void {
    this.askAgain = this.request.isBusy;
    this.ask();
  }

  /** Leaves nothing of it in the store, whatever became of it there. */
  cancel(): void {
    this.finish();
    this.request.settle();
  }

  /** By message. */
  granted(token: number, contended: boolean): void {
    const { phase, request, host } = this;
    if (!request.isNews(token)) return;
    // The store granted it after its last "not yet": how long after is unknown here.
    const since = phase.name === 'waiting' ? phase.since : (request.firstSentAt ?? 0);
    const deadline = localDeadline(since, this.content.ttl);
    const now = host.leaseClock.now();
    const least = (this.content.ttl ?? 0) * LEAST_LEFT;
    if (deadline - now <= least || (phase.name === 'waiting' && !phase.queued)) {
      // Too little left to begin with, or from before the last answer, but most likely the key is there: the store knows.
      this.askNow();
      return;
    }
    request.granted(token);
    this.acquired({ tokens: [token], reentered: [false], contended, deadline, now });
  }

  answered(answer: LeaseAnswer, sentAt: number, lastRelease: number): void {
    if (answer.granted) {
      const { fencingTokens: tokens, reentered, contended = false } = answer;
      const isOver = this.host.releases.hasEnded(this.content.keys, tokens, lastRelease);
      const deadline = isOver ? -Infinity : localDeadline(sentAt, this.content.ttl);
      this.acquired({ tokens, reentered, contended, deadline, now: this.host.leaseClock.now() });
      return;
    }
    const { key, queued = false } = answer;
    this.phase = { name: 'waiting', since: sentAt, queued, failed: false };
    if (this.once) this.cancel();
    this.owner.refused(this, key);
    if (this.isOver) return;
    const poll = !queued || answer.foreign ? this.nextPoll(answer.askWithin) : LONGEST_CHECK;
    const wait = this.askAgain ? 0 : Math.min(poll, LONGEST_CHECK, answer.remaining ?? Infinity);
    this.askAgain = false;
    this.host.poller.add(this, Math.max(SHORTEST_CHECK, wait));
    if (!queued) this.host.listen();
  }

  failed(error: unknown): void {
    if (this.phase.name === 'waiting') this.phase = { ...this.phase, failed: true };
    if (this.owner.goesOnAfter(this, error)) {
      if (!this.request.isOwedTooMuch) this.host.poller.add(this, this.nextDelay());
      return;
    }
    this.cancel();
    this.owner.failed(this, error);
  }

  private acquired(acquired: Acquired): void {
    if (acquired.now < acquired.deadline) {
      const { leaseClock } = this.host;
      this.finish();
      leaseClock.standStill(acquired.now);
      try {
        this.owner.acquired(this, acquired);
      } finally {
        leaseClock.goOn();
      }
      return;
    }
    this.request.grantedTooLate();
    this.cancel();
    this.owner.late(this);
  }

  private finish(): void {
    this.phase = OVER;
    this.host.poller.remove(this);
    this.owner.ended(this);
  }

  /** Spread, so that processes that were refused together do not come back together. */
  private nextPoll(askWithin: number | undefined): number {
    return askWithin === undefined ? this.nextDelay() : askWithin * (0.5 + Math.random() / 2);
  }

  private nextDelay(): number {
    return (this.backoff ??= this.host.newBackoff()).next();
  }
}
