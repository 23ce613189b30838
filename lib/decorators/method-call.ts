import type { Method } from './wrap-method.js';

/** A call of a decorated method: which one, of which instance, and the body that the decorator has wrapped. */
export interface MethodCall {
  readonly self: unknown;
  readonly name: string | symbol;
  readonly body: Method;
}

/**
 * Whether `inner`, made while `outer` is under way, is the call of `super` that an override makes. A timer or a recursion
 * calls the override again, so its body is that of `outer`.
 */
export function isSuperCall(inner: MethodCall, outer: MethodCall): boolean {
  return inner.self === outer.self && inner.name === outer.name && inner.body !== outer.body;
}
