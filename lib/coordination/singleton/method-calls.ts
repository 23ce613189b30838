import { isSuperCall, type MethodCall } from '../../decorators/method-call.js';

const calls = new WeakMap<object, MethodCall>();

/** Notes which decorated method a job stands for. */
export function noteMethodCall(job: object, call: MethodCall): void {
  calls.set(job, call);
}

/** Whether `inner`, called from inside the run of `outer`, is what an overriding method calls by `super`. */
export function isSuperJob(inner: object, outer: object): boolean {
  const [called, running] = [calls.get(inner), calls.get(outer)];
  return called !== undefined && running !== undefined && isSuperCall(called, running);
}
