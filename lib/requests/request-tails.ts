import type { ExecutionContext } from '@nestjs/common';
import { currentRunOf, type HandlerRun } from './handler-run.js';

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

/**
 * From now on the request's locks are kept until `tail` has ended, and the handler goes on until its end if the client leaves. To be
 * called where the interceptor is subscribed to.
 */
export function addTail(context: ExecutionContext, tail: RequestTail): void {
  let ofRequest = tails.get(context);
  if (!ofRequest) tails.set(context, (ofRequest = new Set()));
  const inside = currentRunOf(context);
  inside?.need();
  const placed = { ...tail, inside };
  const all = ofRequest.add(placed);
  void tail.ended.then(() => all.delete(placed));
}

/** Whether an interceptor of the request needs what its handler comes to. */
export function hasTails(context: ExecutionContext): boolean {
  return (tails.get(context)?.size ?? 0) > 0;
}

/** The tails of a request that have not ended: those of interceptors inside `run`, and those of all. */
export function tailsOf(run: HandlerRun): {
  readonly inner: readonly RequestTail[];
  readonly all: readonly RequestTail[];
} {
  const all = [...(tails.get(run.context) ?? [])];
  return { inner: all.filter(({ inside }) => inside === run), all };
}
