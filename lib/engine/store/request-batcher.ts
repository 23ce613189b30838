import type { StoreTrace } from '../../diagnostics/traces.js';
import { LockBackendError } from '../../errors/index.js';
import { Reply, type ReplyReader } from '../../provider-api/index.js';
import { callFailed } from '../engine.messages.js';
import type { ListElement } from '../runtime/linked-list.js';

/** What waits for the answer to one request. Exactly one of the two is called, once. */
export interface AnswerSink<Answer> {
  answered(answer: Answer): void;

  /**
   * @param owed - where the answer has taken too long: it may still come, or fail. Until then the request is under way,
   * and sent again it would only wait behind itself
   */
  failed(error: LockBackendError, owed?: PromiseLike<Answer>): void;
}

/** One call under way: to the store, or several requests that went out together. */
export interface OpenCall extends ListElement<OpenCall> {
  readonly since: number;

  /** The action, and how many requests travel together. */
  readonly action: string;
  readonly size: number;

  /** Tells the subscribers of it, if there are any. Kept by the log. */
  trace?: StoreTrace;
  expire(error: Error): void;
}

/** Knows which calls are under way. */
export interface CallLog {
  now(): number;
  open(call: OpenCall): void;
  /** It is not answered yet: from now on it expires in time. */
  watch(call: OpenCall): void;
  close(call: OpenCall): void;
}

/** Requests of one kind that go out together. */
export class RequestBatcher<Request extends { readonly keys: readonly string[] }, Answer> {
  private requests: (Request | undefined)[] = [];
  private sinks: (AnswerSink<Answer> | undefined)[] = [];
  private cancelled = 0;

  constructor(
    private readonly action: string,
    private readonly call: (requests: readonly Request[]) => readonly PromiseLike<Answer>[],
    private readonly calls: CallLog,
  ) {}

  /** Returns the place of `request`, by which it is found again: thousands may go out together. */
  add(request: Request, sink: AnswerSink<Answer>): number {
    this.sinks.push(sink);
    return this.requests.push(request) - 1;
  }

  /** Whether `request` has not been sent yet. */
  has(request: Request, place: number): boolean {
    return this.requests[place] === request;
  }

  /** Cancels `request` if it has not been sent yet; returns whether it had not. */
  cancel(request: Request, place: number): boolean {
    if (!this.has(request, place)) return false;
    this.requests[place] = this.sinks[place] = undefined;
    this.cancelled += 1;
    return true;
  }

  /** @param ahead - before the callers of this turn have all asked: none of them may be answered yet */
  send(ahead = false): void {
    if (this.requests.length === 0) return;
    const isWhole = this.cancelled === 0;
    const requests = (isWhole ? this.requests : this.requests.filter((request) => request !== undefined)) as Request[];
    const sinks = isWhole ? this.sinks : this.sinks.filter((sink) => sink !== undefined);
    this.requests = [];
    this.sinks = [];
    this.cancelled = 0;
    if (requests.length > 0) new RequestBatch(this.action, requests, sinks, this.calls).follow(this.call, ahead);
  }
}

/** One call with several requests, each of which is answered for itself. */
class RequestBatch<Request extends { readonly keys: readonly string[] }, Answer>
  implements OpenCall, ReplyReader<Answer>
{
  readonly since: number;
  readonly size: number;
  trace?: StoreTrace;
  previous?: OpenCall | undefined;
  next?: OpenCall | undefined;
  private left: number;
  private answers: readonly PromiseLike<Answer>[] = [];

  constructor(
    readonly action: string,
    private readonly requests: readonly Request[],
    /** Emptied one by one. */
    private readonly sinks: (AnswerSink<Answer> | undefined)[],
    private readonly calls: CallLog,
  ) {
    this.since = calls.now();
    this.left = this.size = requests.length;
  }

  follow(call: (requests: readonly Request[]) => readonly PromiseLike<Answer>[], ahead: boolean): void {
    this.calls.open(this);
    let error: unknown;
    try {
      this.answers = call(this.requests);
      this.trace?.returned();
    } catch (thrown) {
      error = thrown;
    }
    const read = (): void => {
      if (error === undefined) this.readAnswers();
      else this.expire(error);
    };
    if (ahead) void Promise.resolve().then(read);
    else read();
    if (this.left > 0) this.calls.watch(this);
  }

  private readAnswers(): void {
    for (let index = 0; index < this.requests.length; index += 1) {
      const answer = this.answers[index];
      if (answer instanceof Reply) (answer as Reply<Answer>).read(this, index);
      else if (answer) {
        answer.then(
          (value) => {
            this.answered(index, value);
          },
          (cause: unknown) => {
            this.failed(index, cause);
          },
        );
      } else this.failed(index, new Error('the provider gave no answer to a request'));
    }
  }

  answered(index: number, answer: Answer): void {
    this.settle(index)?.answered(answer);
  }

  /** Nothing more is waited for. */
  expire(cause: unknown): void {
    for (let index = 0; index < this.requests.length; index += 1) this.failed(index, cause, this.answers[index]);
  }

  failed(index: number, cause: unknown, owed?: PromiseLike<Answer>): void {
    if (this.sinks[index]) this.trace?.fail(cause);
    const sink = this.settle(index);
    if (!sink) return;
    const keys = this.requests[index]?.keys ?? [];
    sink.failed(new LockBackendError(keys, callFailed(this.action, keys, cause), { cause }), owed);
  }

  private settle(index: number): AnswerSink<Answer> | undefined {
    const sink = this.sinks[index];
    if (!sink) return undefined;
    this.sinks[index] = undefined;
    this.left -= 1;
    if (this.left === 0) this.calls.close(this);
    return sink;
  }
}
