import { isLockBackendError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import { newState, type FoundState } from './circuit-records.js';
import { SharedCircuit } from './shared-circuit.js';

/** The call by which a circuit closes or opens again. */
export interface Probe {
  /** Held while the call is under way; `undefined` where it is the probe of this instance alone. */
  readonly lock: Lock | undefined;
  /** The half-open state that the probe has written; `undefined` where only this instance is open. */
  readonly change: string | undefined;
  /** The state that was known before, and still is where the store cannot be asked. */
  readonly before: string;
}

export interface ProbeSurroundings {
  readonly shared: SharedCircuit;
  /** Takes the lock of the probe, without waiting; `null` where another process has it. */
  readonly lockProbe: () => Promise<Lock | null>;
  /** Resolves with the same, or with `false` once a caller should wait no longer. */
  readonly soon: (answer: Promise<boolean>) => Promise<boolean>;
  readonly onFailed: (error: unknown) => void;
}

/**
 * Makes a call the probe over all instances: takes the lock, then writes that the circuit is half-open. The lock makes it
 * the only one; what is written refuses the outcome of an earlier probe that has lost its lock. Without the store it is the
 * probe of this instance.
 *
 * @returns `'taken'`: another process has the lock. `'changed'`: no probe is due any more.
 */
export async function takeProbe(around: ProbeSurroundings): Promise<Probe | 'taken' | 'changed'> {
  const { shared, onFailed } = around;
  const halfOpen = newState('half-open');
  const lock = await lockOf(around);
  if (lock === null) return 'taken';
  const probe = { lock, change: halfOpen.change, before: shared.state.change };
  if (!lock) return probe;
  try {
    const isDue = await shared.change((found) =>
      found.state === 'closed' || SharedCircuit.staysOpen(found) ? undefined : halfOpen,
    );
    if (isDue) return probe;
  } catch (error) {
    onFailed(error);
    return probe;
  }
  await releaseProbe(probe);
  return 'changed';
}

/** Whether what a probe comes to still says something of a circuit in this state: no other one has been set since. */
export function concerns({ change, before }: Probe, state: FoundState): boolean {
  return state.change === change || state.change === before;
}

/** Frees the slot for the next probe. Without the store it is free when the lease ends. */
export async function releaseProbe({ lock }: Probe): Promise<void> {
  await lock?.release().catch(() => undefined);
}

/** Resolves with `undefined` where the store cannot be asked. */
async function lockOf({ shared, lockProbe, soon, onFailed }: ProbeSurroundings): Promise<Lock | null | undefined> {
  if (!shared.isReached && !(await soon(shared.refresh()))) return undefined;
  try {
    return await lockProbe();
  } catch (error) {
    if (!isLockBackendError(error)) throw error;
    onFailed(error);
    return undefined;
  }
}
