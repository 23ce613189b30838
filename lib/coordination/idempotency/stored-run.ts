import { LockConfigurationError } from '../../errors/index.js';
import type { LockRecord } from '../../records/index.js';
import { notJson, notReadable, tooLarge } from './idempotency.messages.js';

/** What the store knows of a run. `running` without its lock being held: abandoned. */
export type StoredRun = RunningRun | FailedRun | DoneRun;

interface RunBase {
  readonly fingerprint: string;
  /** An id of this run alone: tells an own write, whose answer was lost, from another's. */
  readonly run: string;
  readonly attempt: number;
}

export interface RunningRun extends RunBase {
  readonly state: 'running';
}

/** A run whose job has failed; `attempt` counts the ones before it that ended without a result. */
export interface FailedRun extends RunBase {
  readonly state: 'failed';
}

export interface DoneRun extends RunBase {
  readonly state: 'done';
  /** What the job came to; missing for `undefined`. */
  readonly value?: unknown;
  /** Why the result is not there. */
  readonly omitted?: string;
}

const STATES: readonly unknown[] = ['running', 'failed', 'done'] satisfies StoredRun['state'][];

/** @throws LockConfigurationError for a record of another form */
export function assertStoredRun(key: string, record: LockRecord<unknown> | null): LockRecord<StoredRun> | null {
  if (!record) return null;
  const { state, fingerprint, run, attempt } = (record.value ?? {}) as Partial<StoredRun>;
  const isRun = typeof fingerprint === 'string' && typeof run === 'string' && Number.isSafeInteger(attempt);
  if (!isRun || !STATES.includes(state)) throw new LockConfigurationError(notReadable(key));
  return record as LockRecord<StoredRun>;
}

/** A function has no JSON, nor has `undefined`; the types of TypeScript do not say so. */
const stringify: (value: unknown) => string | undefined = JSON.stringify;

/** The run with its result, or with the reason why that cannot be kept. */
export function doneRun(
  { fingerprint, run, attempt }: RunningRun,
  value: unknown,
  maxSize: number,
  reason?: string,
): DoneRun {
  const base = { state: 'done', fingerprint, run, attempt } as const;
  if (reason !== undefined) return { ...base, omitted: reason };
  let text: string | undefined;
  try {
    text = stringify(value);
  } catch (error) {
    return { ...base, omitted: notJson(error instanceof Error ? error.message : String(error)) };
  }
  if (text === undefined) return value === undefined ? base : { ...base, omitted: notJson(`it is a ${typeof value}`) };
  const bytes = Buffer.byteLength(text);
  // What the caller does with the value later does not change what is stored.
  return bytes > maxSize ? { ...base, omitted: tooLarge(bytes, maxSize) } : { ...base, value: JSON.parse(text) };
}
