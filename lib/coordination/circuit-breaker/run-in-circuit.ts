import { AsyncLocalStorage } from 'node:async_hooks';
import { unstartedWork } from '../../engine/lock/unstarted-work.js';
import { isLockingError, LockConfigurationError } from '../../errors/index.js';
import type { CircuitBreakerCallOptions } from './circuit-breaker.interface.js';
import { unstartedCall } from './circuit-breaker.messages.js';
import type { Circuit, Outcome, Permit } from './circuit.js';

/** A call that is under way in the call chain. */
interface Frame {
  readonly circuit: Circuit;
  readonly permit: Permit;
  readonly outer: Frame | undefined;
}

const inside = new AsyncLocalStorage<Frame>();

/**
 * Makes a call through a circuit. A call inside a call of the same circuit is part of that: an override that calls `super`
 * counts once, and a probe is not refused by itself.
 *
 * @param label - what is called, for messages
 * @throws CircuitOpenError where the call is not made
 */
export async function runInCircuit<T>(
  circuit: Circuit,
  label: string,
  job: () => T | PromiseLike<T>,
  isFailure: CircuitBreakerCallOptions['isFailure'],
): Promise<T> {
  const outer = inside.getStore();
  if (isInside(circuit, outer)) return job();
  const permit = await circuit.enter();
  try {
    const result = await inside.run({ circuit, permit, outer }, job);
    const work = unstartedWork(result);
    if (work) throw new LockConfigurationError(unstartedCall(label, work));
    void circuit.leave(permit, 'success');
    return result;
  } catch (error) {
    void circuit.leave(permit, outcomeOf(error, isFailure));
    throw error;
  }
}

function isInside(circuit: Circuit, innermost: Frame | undefined): boolean {
  for (let frame = innermost; frame; frame = frame.outer) {
    if (frame.circuit === circuit && !frame.permit.isOver) return true;
  }
  return false;
}

/** Errors of this package say nothing of the service: a lock was busy, or another circuit is open. */
function outcomeOf(error: unknown, isFailure: CircuitBreakerCallOptions['isFailure']): Outcome {
  if (isLockingError(error)) return 'ignored';
  try {
    // One that forgets to answer must not leave the circuit closed for ever.
    return isFailure && (isFailure(error) as unknown) === false ? 'success' : 'failure';
  } catch {
    return 'failure';
  }
}
