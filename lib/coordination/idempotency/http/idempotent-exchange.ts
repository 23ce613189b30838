import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { Logger } from '@nestjs/common';
import { Observable, type Subscriber } from 'rxjs';
import { isStreamBody, discardBody } from '../../../requests/unsent-body.js';
import { currentRunOf, type HandlerRun } from '../../../requests/handler-run.js';
import { failedAsGone } from '../../../requests/refused-request.js';
import { nameHandler } from '../../../requests/request-context.js';
import { addTail } from '../../../requests/request-tails.js';
import { isLockLostError, isLockTimeoutError, LockConfigurationError } from '../../../errors/index.js';
import type { JobEnd } from '../idempotent-runs.js';
import type { IdempotencyService, IdempotentCall } from '../idempotency.service.js';
import { AnswersByHand } from './answers-by-hand.js';
import { isCalledIn, newEntry, noteEntry, type HandlerEntry } from './entered-handler.js';
import {
  answeredByHand,
  answeredEarlier,
  noLongerThere,
  nothingReturned,
  streamed,
  streamedOnce,
} from './http.messages.js';
import { problemOf } from './problem.js';
import { ResponseGate, type Sent } from './response-gate.js';
import { isPlainData, isStorable, type StoredResult } from './stored-answer.js';

const logger = new Logger('IdempotencyInterceptor');

interface Exchange {
  readonly context: ExecutionContext;
  readonly next: CallHandler;
  /** The names of the headers that are repeated. */
  readonly headers: readonly string[];
  /** Whether the handler can answer by hand. */
  readonly takesResponse: boolean;
}

/** Handles a request once per key. */
export function exchangeOnce(
  service: IdempotencyService,
  call: IdempotentCall,
  exchange: Exchange,
): Observable<unknown> {
  return new Observable((subscriber) => {
    const gate = ResponseGate.of(exchange.context, exchange.headers);
    // A handler that has begun goes on, and its answer is stored, also if its client leaves or an interceptor gives up on it.
    void new IdempotentExchange(exchange, subscriber, gate).start(service, call);
  });
}

/** The latest of each request: an interceptor outside (`retry`) may begin another one. */
const latest = new WeakMap<ExecutionContext, IdempotentExchange>();

class IdempotentExchange {
  /** Whether the chain of interceptors has got the outcome of the handler. */
  private told = false;
  private finished: Promise<void> | undefined;
  private readonly context: ExecutionContext;
  /** Of a lock outside. */
  private readonly enclosing: HandlerRun | undefined;

  constructor(
    private readonly exchange: Exchange,
    private readonly subscriber: Subscriber<unknown>,
    private readonly gate: ResponseGate,
  ) {
    this.context = exchange.context;
    this.enclosing = currentRunOf(this.context);
  }

  async start(service: IdempotencyService, call: IdempotentCall): Promise<void> {
    const earlier = latest.get(this.context);
    latest.set(this.context, this);
    this.finished = this.run(service, call, earlier);
    addTail(this.context, {
      ended: this.finished,
      giveUp: () => {
        this.gate.giveUp();
      },
    });
    await this.finished;
  }

  private async run(service: IdempotencyService, call: IdempotentCall, earlier?: IdempotentExchange): Promise<void> {
    const { gate, subscriber } = this;
    try {
      // Its answer has been caught, and will not be sent.
      earlier?.gate.giveUp();
      await earlier?.finished;
      const { value, replayed } = await service.perform(call, async () => this.handle());
      if (replayed) this.replay(value);
      else gate.open();
    } catch (error) {
      const problem = problemOf(error);
      if (!this.told) subscriber.error(problem ?? error);
      else if (problem) {
        logger.error((error as Error).message);
        gate.refuse(problem.toAnswer());
      } else gate.open();
    }
  }

  private replay(result: StoredResult): void {
    const { gate, subscriber } = this;
    gate.setHeader('Idempotent-Replayed', 'true');
    if ('answer' in result) {
      gate.replace(result.answer);
      subscriber.next(undefined);
    } else subscriber.next(result.returned);
    subscriber.complete();
  }

  private async handle(): Promise<JobEnd<StoredResult>> {
    const entry = newEntry(this.context);
    const { gate } = this;
    const byHand = new AnswersByHand(this.context.getArgByIndex<object>(1), () => isCalledIn(entry));
    const [ended] = await Promise.allSettled([noteEntry(entry, async () => this.callHandler())]);
    byHand.stop();
    if (entry.running) return this.outlast(entry, entry.running.ended, { outcome: ended, byHand });
    if (ended.status === 'fulfilled' && isStreamBody(ended.value)) return this.refuseStream(ended.value);
    if (byHand.status !== undefined) {
      this.tell(ended);
      return endedByHand(byHand, entry.entered);
    }
    const outcome = outcomeOf(ended);
    const { isAnsweredOutside } = this;
    const { answered } = gate;
    const isStatusStorable = isAnsweredOutside || isStorable(gate);
    const sending = isAnsweredOutside ? undefined : gate.shut();
    this.tell(ended);
    const sent = this.ofHandler(await sending);
    if (entry.cut === 'lock-lost' || isLostWhenDone(outcome, entry)) return UNFINISHED;
    if (entry.cut === 'without-value' || (entry.cut && outcome.status === 'rejected')) return this.inPlace(sent);
    if (outcome.status === 'rejected' && hasNotRun(outcome.reason)) return { value: {}, keep: false };
    if (sent === 'stream' && isStorable(gate)) return { value: {}, keep: entry.entered, omitted: streamedOnce };
    // Express has found that its client has the answer already: a repetition may come from another one.
    const isUnmodified = sent && sent !== 'stream' && sent.status === 304 && byHand.chosen !== 304;
    if (sent && sent !== 'stream' && isStorable(sent) && !(isUnmodified && outcome.status === 'fulfilled')) {
      return { value: { answer: sent }, keep: entry.entered };
    }
    // What the handler has refused runs again; what it has done does not, whatever became of its answer.
    if (outcome.status === 'rejected' || isRefusedByHand(byHand)) return { value: {}, keep: false };
    // A filter of an interceptor outside has set it and answers later; or the handler has, where nothing shows that it was the handler.
    if (!isStatusStorable) return { value: {}, keep: entry.entered, omitted: answeredEarlier };
    const { value } = outcome;
    // A handler that finds its client answered (by an outer interceptor) may leave out the answer that it would send by hand.
    const isUnsaid = answered && value === undefined && this.exchange.takesResponse;
    if (isUnsaid) return { value: {}, keep: entry.entered, omitted: nothingReturned };
    if (!isPlainData(value)) return { value: {}, keep: entry.entered, omitted: noLongerThere };
    return { value: { returned: value }, keep: entry.entered };
  }

  /**
   * An interceptor has answered in place of the handler, which runs on: what that comes to, the interceptor will not see. A
   * repetition gets what the client got, once the handler has ended well.
   */
  private async outlast(
    entry: HandlerEntry,
    running: Promise<unknown>,
    { outcome, byHand }: { readonly outcome: PromiseSettledResult<unknown>; readonly byHand: AnswersByHand },
  ): Promise<JobEnd<StoredResult>> {
    const isUnseen = this.isAnsweredOutside || byHand.status !== undefined;
    const sending = isUnseen ? undefined : this.gate.watch();
    this.tell(outcome);
    const [ended] = await Promise.allSettled([running]);
    if (ended.status === 'fulfilled') discardBody(ended.value);
    if (byHand.status !== undefined) return endedByHand(byHand);
    if (entry.cut === 'lock-lost') return UNFINISHED;
    if (ended.status === 'rejected') return { value: {}, keep: false };
    return this.inPlace(this.ofHandler(await sending));
  }

  /** Whether an interceptor outside has given up on the handler: the status and the answer of the request are its own. */
  private get isAnsweredOutside(): boolean {
    return this.subscriber.closed || this.enclosing?.abandoned === true || this.gate.answered;
  }

  /** What was sent, unless a lock has sent it to a client that had left. */
  private ofHandler(sent: Sent): Sent {
    return failedAsGone(this.context) ? undefined : sent;
  }

  /**
   * What an interceptor has answered in place of the handler, if that can be repeated: a client has got it. In no case the handler is
   * to run again.
   */
  private inPlace(sent: Sent): JobEnd<StoredResult> {
    if (!sent || sent === 'stream' || !isStorable(sent) || this.gate.isUnheard) {
      return { value: {}, keep: true, omitted: answeredEarlier };
    }
    return { value: { answer: sent }, keep: true };
  }

  /** The last value: Nest sends no other. */
  private async callHandler(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      let last: unknown;
      this.exchange.next.handle().subscribe({
        next: (value: unknown) => {
          last = value;
        },
        error: reject,
        complete: () => {
          resolve(last);
        },
      });
    });
  }

  private tell(outcome: PromiseSettledResult<unknown>): void {
    const { subscriber } = this;
    this.told = true;
    if (outcome.status === 'rejected') {
      this.gate.expectFilter();
      subscriber.error(outcome.reason);
    } else {
      subscriber.next(outcome.value);
      // An interceptor outside has thrown, most likely.
      if (subscriber.closed) this.gate.expectFilter();
      subscriber.complete();
    }
  }

  private refuseStream(stream: unknown): JobEnd<StoredResult> {
    discardBody(stream);
    this.told = true;
    this.subscriber.error(new LockConfigurationError(streamed(nameHandler(this.context))));
    return { value: {}, keep: true, omitted: streamedOnce };
  }
}

/** The lock of the request was lost, which has ended the handler half-way. */
const UNFINISHED: JobEnd<StoredResult> = { value: {}, keep: 'unfinished' };

/** An answer that was sent by hand is not known. Its handler may have done its work, also where it fails later. */
function endedByHand(byHand: AnswersByHand, entered = true): JobEnd<StoredResult> {
  return { value: {}, keep: entered && !isRefusedByHand(byHand), omitted: answeredByHand };
}

/** Whether the handler has set a status that is not stored. That of the response may be another's. */
function isRefusedByHand({ chosen }: AnswersByHand): boolean {
  return chosen !== undefined && !isStorable({ status: chosen });
}

/** What the handler has returned counts also where a lock inside was lost by then, and fails the request. */
function outcomeOf(ended: PromiseSettledResult<unknown>): PromiseSettledResult<unknown> {
  if (ended.status === 'fulfilled' || !isLockLostError(ended.reason)) return ended;
  const { outcome } = ended.reason;
  return outcome?.status === 'fulfilled' ? outcome : ended;
}

/** Whether the lock was lost as an interceptor was about to run a handler again that had come to its end. */
function isLostWhenDone(outcome: PromiseSettledResult<unknown>, { done }: HandlerEntry): boolean {
  return done && outcome.status === 'rejected' && isLockLostError(outcome.reason);
}

/** Whether a lock inside refused the call, so that the method itself did not run. */
function hasNotRun(error: unknown): boolean {
  return isLockTimeoutError(error) || (isLockLostError(error) && error.notRun);
}
