import type { LeaseAnswer, LeaseRequest } from '../../provider-api/index.js';
import type { LeaseTable } from '../hold/lease-table.js';
import type { LeaseSource } from '../hold/lease.js';
import type { LeaseClock } from '../runtime/lease-clock.js';
import type { ReleaseRetry } from '../store/release-retry.js';
import type { AnswerSink } from '../store/request-batcher.js';
import { mayHaveRun, type StoreCalls } from '../store/store-calls.js';

/**
 * A request may have been lost on its way, so it is sent once more while its answer is owed; not a third time, as a
 * store that hangs would have to work all of them off.
 */
const MOST_OWED = 2;

/** What a request works with. */
export interface RequestContext {
  readonly calls: StoreCalls;
  readonly retry: ReleaseRetry;
  readonly leases: LeaseTable;
  readonly leaseClock: LeaseClock;
  readonly processId: string;
  readonly releases: {
    /** The last release by key so far. */
    readonly lastRelease: number;
    /** Whether a grant of `keys` with `tokens`, asked for after the release `lastRelease`, is over. */
    hasEnded(keys: readonly string[], tokens: readonly number[], lastRelease: number): boolean;
  };
}

/** The attempt that a request belongs to. */
export interface RequestSink {
  readonly isOver: boolean;
  answered(answer: LeaseAnswer, sentAt: number, lastRelease: number): void;
  failed(error: unknown): void;
  /** Of a request that was owed, and failed. */
  mayAskAgain(): void;
}

/**
 * The request of one attempt: it is sent as often as need be, and stays the same. It knows what of the attempt may still
 * reach the store or stand there, and so what to undo if the attempt is cancelled.
 */
export class AttemptRequest implements LeaseSource, AnswerSink<LeaseAnswer> {
  /** When it was first sent, and when it was for the last time, on the lease clock. */
  firstSentAt?: number;
  private sentAt = 0;
  private lastRelease = 0;

  /** It is under way, at this place among those that go out together; so are as many more, whose answers are late. */
  private asking = false;
  private place = 0;
  private owed = 0;

  /** How many may have reached the store and were never answered. */
  private unanswered = 0;

  /** May stand in the store, in its queue or granted too late: it said so once, and nothing since has ended that. */
  private mayStand = false;

  /** The token of a grant by message; word of a grant with `lastToken` or a smaller one comes too late. */
  private token = 0;
  private lastToken = 0;

  /** How many releases of its leases are under way; whether it is to be undone once nothing is under way. */
  private releases = 0;
  private toUndo = false;

  constructor(
    /** `processId` is set as soon as there are wake-ups; `tokens` may grow until it is sent. */
    readonly content: { -readonly [Name in keyof LeaseRequest]: LeaseRequest[Name] },
    /** For how many milliseconds the store may have the keys under it at most; `null` for good. */
    private readonly lasts: number | null,
    private readonly context: RequestContext,
    private readonly sink: RequestSink,
  ) {}

  get isBusy(): boolean {
    return this.asking || this.isOwedTooMuch;
  }

  get isOwedTooMuch(): boolean {
    return this.owed >= MOST_OWED;
  }

  get unsettled(): boolean {
    return this.asking || this.unanswered > 0 || this.mayStand;
  }

  /**
   * @param queue - whether to join the store's queue if the key is held
   * @param isWaiting - whether the store has said last that it has to wait
   */
  send(queue: boolean, isWaiting: boolean): void {
    const { content } = this;
    this.sentAt = this.context.leaseClock.now();
    this.lastRelease = this.context.releases.lastRelease;
    this.firstSentAt ??= this.sentAt;
    content.queue = queue;
    if (isWaiting) content.waited = Math.round(this.sentAt - this.firstSentAt);
    else if (content.waited !== undefined) content.waited = undefined;
    this.asking = true;
    this.place = this.context.calls.acquire(content, this);
  }

  /** Sets `tokens` aside with the lease, unless it was sent already. */
  setTokens(tokens: number): void {
    if (this.unanswered === 0 && this.context.calls.isUnsent(this.content, this.place)) this.content.tokens = tokens;
  }

  /** Whether the message that it was granted with `token` is from after the last answer. */
  isNews(token: number): boolean {
    return token > this.lastToken;
  }

  /** It was granted by message. */
  granted(token: number): void {
    this.mayStand = false;
    this.token = token;
  }

  /** What it was granted has expired already, if the store ever had it. */
  grantedTooLate(): void {
    this.unanswered += 1;
  }

  answered(answer: LeaseAnswer): void {
    this.asking = false;
    this.note(answer);
    if (!this.sink.isOver) this.sink.answered(answer, this.sentAt, this.lastRelease);
    else {
      if (this.toUndo && answer.granted) this.mayStand = true;
      this.undoIfDue();
    }
  }

  failed(error: unknown, owed?: PromiseLike<LeaseAnswer>): void {
    this.asking = false;
    if (mayHaveRun(error)) this.unanswered += 1;
    if (owed) this.follow(owed, this.sentAt, this.lastRelease);
    if (!this.sink.isOver) this.sink.failed(error);
    else this.undoIfDue();
  }

  settle(): void {
    if (this.asking && this.context.calls.cancelUnsent(this.content, this.place)) this.asking = false;
    this.toUndo = true;
    this.undoIfDue();
  }

  releasing(): void {
    this.releases += 1;
    this.settle();
  }

  released(): void {
    this.releases -= 1;
    this.undoIfDue();
  }

  /** An answer that takes too long may still come. */
  private follow(owed: PromiseLike<LeaseAnswer>, sentAt: number, lastRelease: number): void {
    this.owed += 1;
    owed.then(
      (answer) => {
        this.owed -= 1;
        this.unanswered -= 1;
        if (this.sink.isOver) return;
        this.note(answer);
        this.sink.answered(answer, sentAt, lastRelease);
      },
      () => {
        this.owed -= 1;
        this.sink.mayAskAgain();
      },
    );
  }

  private note(answer: LeaseAnswer): void {
    if (answer.granted) {
      if (this.content.queue && !this.sink.isOver) this.mayStand = false;
      return;
    }
    const { queued = false, lastToken } = answer;
    // A "not yet" from before a grant by message says nothing.
    if (lastToken !== undefined && lastToken < this.token) return;
    if (lastToken !== undefined) this.lastToken = lastToken;
    if (queued) this.mayStand = true;
  }

  private undoIfDue(): void {
    if (this.toUndo && !this.asking && this.unsettled) this.undo();
  }

  private undo(): void {
    if (this.releases > 0) return;
    this.toUndo = false;
    const { leases, retry, processId } = this.context;
    const { ownerId, attemptId } = this.content;
    // What still stands here by this attempt is released in its own time.
    const keys = this.content.keys.filter((key) => leases.get(key)?.attemptId !== attemptId);
    if (keys.length === 0) return;
    retry.add({ keys, ownerId, attemptId, processId, pending: this.unanswered > 0 }, this.lasts);
  }
}
