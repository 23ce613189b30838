import { isLockBackendError } from '../errors/index.js';
import { onOneLine, quote } from '../errors/quote.js';
import { remedyOf } from '../errors/remedy.js';

/** Keys as they appear in messages. */
export function showKeys(keys: readonly string[]): string {
  const shown = keys.slice(0, 3).map((key) => quote(key));
  return keys.length > 3 ? `${shown.join(', ')} and ${String(keys.length - 3)} more` : shown.join(', ');
}

const whileHolding = (keys: readonly string[]): string =>
  keys.length === 0
    ? ''
    : ` The jobs around this call held ${showKeys(keys)} meanwhile: if the holder waits for that, take these keys in the same order everywhere, or all of them in one call.`;

/** The holder of the key that a call waits for. */
export interface KeyInTheWay {
  readonly key: string;
  readonly holder: 'a job around' | 'this process' | 'another process' | 'unknown';
  /** If the holder has named it. */
  readonly ownerId?: string | undefined;
}

const HOLDERS: Readonly<Record<KeyInTheWay['holder'], string>> = {
  'a job around': 'a job around this very call',
  'this process': 'another caller of this process',
  'another process': 'another process',
  unknown: 'somebody else',
};

const notJoined = `That job waits for this call and this call for that job: leave out reentrant: false, or do not wait for this call inside the job.`;

export const timedOut = (
  keys: readonly string[],
  timeout: number,
  { key, holder, ownerId }: KeyInTheWay,
  heldAround: readonly string[],
): string =>
  (keys.length > 1 ? `${showKeys(keys)} could not be locked: ` : '') +
  `${showKeys([key])} ${timeout === 0 ? 'is' : 'was still'} held by ${HOLDERS[holder]}` +
  (ownerId === undefined ? '' : `, under the owner ${quote(ownerId)}`) +
  (timeout === 0
    ? ', and this call does not wait. Nothing was locked.'
    : ` after ${String(timeout)} ms. Nothing was locked and no job was run: ${holder === 'a job around' ? notJoined : 'try again later, or wait longer with the option timeout.'}`) +
  (holder === 'a job around' ? '' : whileHolding(heldAround));

export const deadlocked = (keys: readonly string[], circle: readonly string[]): string =>
  `${showKeys(keys)} was not locked, as its holder in this process waits for ${showKeys(circle)}, which the jobs around this call hold: neither could go on. Nothing was locked and no job was run. Take these keys in the same order everywhere, or all of them in one call. A call that its job does not wait for needs reentrant: false.`;

export const queueFull = (keys: readonly string[], key: string, maxWaiters: number): string =>
  `${showKeys(keys)} was not locked: ${String(maxWaiters)} other caller(s) of this process already wait for ${showKeys([key])}, and maxWaiters allows no more. No job was run: try again later, or raise maxWaiters.`;

export const noAnswerInTime = (keys: readonly string[], timeout: number): string =>
  `The store did not say${timeout > 0 ? ` within ${String(timeout)} ms` : ''} whether ${showKeys(keys)} is free. No job was run. Check that the store is up and can be reached.`;

export const callFailed = (action: string, keys: readonly string[], failure: unknown): string => {
  const cause = originOf(failure);
  return `Could not ${action} ${keys.length === 0 ? 'locks' : showKeys(keys)}: ${onOneLine(cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '')}. ${remedyOf(cause) ?? 'Check that the store is up and can be reached.'}`;
};

/** What an error of this engine was made of: its text would say the same twice. */
function originOf(failure: unknown): unknown {
  return isLockBackendError(failure) && failure.cause !== undefined ? originOf(failure.cause) : failure;
}

/** @param blocked - for how many milliseconds the event loop stood still at the end of that time */
export const noAnswer = (timeout: number, blocked = 0): string =>
  `the store did not answer within ${String(timeout)} ms${blocked < 1000 ? '' : `; for the last ${String(Math.round(blocked))} ms of that the event loop of this process was blocked by other work, which may be the cause`}`;

export const closed = (keys: readonly string[]): string =>
  `${showKeys(keys)} was not locked: the application is shutting down.`;

/** What kept a lease from going on: its options, with their length, or what its renewal failed for. */
export interface LeaseEnd {
  readonly by: 'expire' | 'maxHold' | 'store' | 'stall';
  readonly ms: number;
}

const ENDS: Readonly<Record<LeaseEnd['by'], (ms: string) => string>> = {
  expire: (ms) =>
    `It was to last ${ms} ms and is not renewed: give a longer expire, call extend in time, or have it renewed with renew: true.`,
  maxHold: (ms) =>
    `It had lasted for the ${ms} ms that maxHold allows: give a longer maxHold if the work takes that long.`,
  store: (ms) =>
    `The store did not confirm its renewal within the lease of ${ms} ms: check that the store is up and can be reached.`,
  stall: (ms) =>
    `It could not be renewed in time, as the event loop was blocked or the process stood still for most of the lease of ${ms} ms: find what blocks it, or choose a longer lease.`,
};

export const ranOut = (keys: readonly string[], { by, ms }: LeaseEnd): string =>
  `The lease of ${showKeys(keys)} ran out before it was renewed or released: somebody else may hold it now. ${ENDS[by](String(ms))}`;

export const takenAway = (keys: readonly string[]): string =>
  `${showKeys(keys)} is no longer held: the store has lost it, or it was released by force.`;

export const handedOver = (keys: readonly string[]): string =>
  `${showKeys(keys)} is no longer held here: lock.serialize() has given this lock up already. Restore the text that it returned.`;

export const wasReleased = (keys: readonly string[]): string =>
  `${showKeys(keys)} is no longer held: this lock was released.`;

export const notRun = (loss: string): string => `${loss} That was before the job began: it was not run.`;

export const takenOver = (keys: readonly string[]): string =>
  `${showKeys(keys)} is no longer held: the store has granted it to somebody else.`;

export const forcedFree = (keys: readonly string[]): string =>
  `${showKeys(keys)} is no longer held: it was released with forceRelease.`;

export const releasedElsewhere = (keys: readonly string[]): string =>
  `${showKeys(keys)} is no longer held: it was released by its owner through the LockingService, not through this lock.`;

export const endedByShutdown = (keys: readonly string[]): string =>
  `${showKeys(keys)} is no longer held: the application has shut down.`;

export const droppedLock = (keys: readonly string[]): string =>
  `A lock on ${showKeys(keys)} was never released, and nothing refers to it any more, so that nothing can release it. It is no longer renewed, and ends with its lease. Release each lock that acquire or tryAcquire gives you: "await using" does so at the end of its scope, and execute() always does. To hold one for as long as the process runs, keep a reference to it.`;

const calledBy = (by: string | undefined): string => (by === undefined ? '' : ` by ${quote(by)}`);

export const waitedForLong = (keys: readonly string[], warnAfter: number, by: string | undefined): string =>
  `${showKeys(keys)} is waited for${calledBy(by)} for longer than the ${String(warnAfter)} ms of warnAfter. Its holder is what inspect() shows.`;

export const heldForLong = (keys: readonly string[], warnAfter: number, by: string | undefined): string =>
  `${showKeys(keys)} is held${calledBy(by)} for longer than the ${String(warnAfter)} ms of warnAfter, and still is.`;

export const cannotAssert = (keys: readonly string[]): string =>
  `assertIn: the store of the lock on ${showKeys(keys)} is no database in which a transaction could make sure of it. Use PostgresLockingProvider with the database of the transaction, or check fencing tokens.`;

export const notLocked = (key: string): string =>
  `No job around this call holds ${quote(key)}, and the call must not be made without that lock. Make it inside execute() or a method with @WithLock that locks ${quote(key)}. The lock of acquire() is not followed: ask lock.held there.`;

export const cannotSerialize = (keys: readonly string[]): string =>
  `The lock on ${showKeys(keys)} cannot be handed to another process: it is that of a job, or others in this process share it. Serialize only what acquire() or tryAcquire() has given you, outside jobs that hold the same keys.`;

export const stillAsked = (): string => 'a request for it is still under way';

export const noTransaction = (): string =>
  'assertIn: give a transaction with a method query(sql, parameters), such as a client of pg after BEGIN.';

export const notCovered = (key: string, keys: readonly string[]): string =>
  `This lock covers ${showKeys(keys)}, not ${showKeys([key])}.`;

export const unstartedJob = (keys: readonly string[], work: 'an Observable' | 'a generator'): string =>
  `The job under ${showKeys(keys)} returned ${work}, which would run after the lock has been released. ` +
  (work === 'an Observable'
    ? 'It was not subscribed to. Return lastValueFrom(observable) of rxjs, or put @WithLock on a method that returns the Observable.'
    : 'Nothing of it was run. Iterate over it inside the job, and return what that comes to.');

export const notDrained = (jobs: number, { drainTimeout }: { readonly drainTimeout: number }): string =>
  `${String(jobs)} job(s) still ran under a lock ${String(drainTimeout)} ms after the shutdown began; their locks are released. Raise drainTimeout if they need longer.`;

export const noCheckpoints = (): string => 'A lock outside an application with LockingModule has no checkpoints.';

export const noGlob = (match: unknown): string =>
  `list: match must be a glob over the keys, such as 'order:*', not ${match === null ? 'null' : typeof match}.`;
