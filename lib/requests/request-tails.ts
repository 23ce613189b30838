import type { ExecutionContext } from '@nestjs/common';
import { currentRun, type HandlerRun } from './handler-run.js';

/** What an interceptor does for a request after its handler's end, such as to store the answer. */
export interface RequestTail {
  /** Never rejects. */
  readonly ended: Promise<void>;

  /** No answer of this run of the request will be sent: the tail ends without one. */
  giveUp(): void;
}

/** A tail, and the run under a lock inside which its interceptor stands. */
interface PlacedTail extends RequestTail {
  readonly inside: HandlerRun | undefined;
}

const tails = new WeakMap<ExecutionContext, Set<PlacedTail>>();

/** From now on the request's locks are kept until `tail` has ended. To be called where the interceptor is subscribed to. */
export function addTail(context: ExecutionContext, tail: RequestTail): void {
  let ofRequest = tails.get(context);
  if (!ofRequest) tails.set(context, (ofRequest = new Set()));
  const run = currentRun();
  const placed = { ...tail, inside: run?.context === context ? run : undefined };
  const all = ofRequest.add(placed);
  void tail.ended.then(() => all.delete(placed));
}

/** The tails of a request that have not ended: those of interceptors inside `run`, and those of all. */
export function tailsOf(run: HandlerRun): {
  readonly inner: readonly RequestTail[];
  readonly all: readonly RequestTail[];
} {
  const all = [...(tails.get(run.context) ?? [])];
  return { inner: all.filter(({ inside }) => inside === run), all };
}
