import { LockBackendError } from '../errors/index.js';
import { callFailed } from './engine.messages.js';
import type { OpenCall, StoreCalls } from './store-calls.js';

/** Who waits for the answer to one request. Exactly one of the two is called, once. */
export interface AnswerSink<Answer> {
  answered(answer: Answer): void;
  failed(error: LockBackendError): void;
}

/** Requests of one kind that go out together. */
export class Outbox<Request extends { readonly keys: readonly string[] }, Answer> {
  private requests: Request[] = [];
  private sinks: AnswerSink<Answer>[] = [];

  constructor(
    private readonly action: string,
    private readonly call: (requests: readonly Request[]) => Promise<Answer>[],
    private readonly calls: StoreCalls,
  ) {}

  add(request: Request, sink: AnswerSink<Answer>): void {
    this.requests.push(request);
    this.sinks.push(sink);
  }

  has(request: Request): boolean {
    return this.requests.includes(request);
  }

  /** Takes back what has not been sent yet. Tells whether it had not. */
  withdraw(request: Request): boolean {
    const index = this.requests.indexOf(request);
    if (index < 0) return false;
    this.requests.splice(index, 1);
    this.sinks.splice(index, 1);
    return true;
  }

  send(): void {
    const { requests, sinks } = this;
    if (requests.length === 0) return;
    this.requests = [];
    this.sinks = [];
    new Delivery(this.action, requests, sinks, this.calls).follow(this.call);
  }
}

/** One call with several requests, each of which is answered for itself. */
class Delivery<Request extends { readonly keys: readonly string[] }, Answer> implements OpenCall {
  readonly since: number;
  private left: number;

  constructor(
    private readonly action: string,
    private readonly requests: readonly Request[],
    /** Emptied one by one. */
    private readonly sinks: (AnswerSink<Answer> | undefined)[],
    private readonly calls: StoreCalls,
  ) {
    this.since = calls.now();
    this.left = requests.length;
  }

  follow(call: (requests: readonly Request[]) => Promise<Answer>[]): void {
    this.calls.open(this);
    let answers: Promise<Answer>[];
    try {
      answers = call(this.requests);
    } catch (error) {
      this.expire(error);
      return;
    }
    for (let index = 0; index < this.requests.length; index += 1) {
      const answer = answers[index];
      if (!answer) {
        this.fail(index, new Error('the provider gave no answer to a request'));
        continue;
      }
      answer.then(
        (value) => {
          this.settle(index)?.answered(value);
        },
        (cause: unknown) => {
          this.fail(index, cause);
        },
      );
    }
  }

  /** Nothing more is waited for. */
  expire(cause: unknown): void {
    for (let index = 0; index < this.requests.length; index += 1) this.fail(index, cause);
  }

  private fail(index: number, cause: unknown): void {
    const keys = this.requests[index]?.keys ?? [];
    this.settle(index)?.failed(new LockBackendError(keys, callFailed(this.action, keys, cause), { cause }));
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
