import { createHash } from 'node:crypto';
import { parseDuration } from '../../engine/options/duration.js';
import { isWellFormed } from '../../engine/options/well-formed.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { CheckpointOptions } from '../../interfaces/index.js';
import {
  keepNotUsable,
  migrateNotFunction,
  nameRequired,
  progressNotJson,
  progressTooLarge,
  versionNotUsable,
} from './checkpoint.messages.js';

/** The head names every checkpoint that is kept, and has to stay small. */
const MOST_KEPT = 100;

const LONGEST_PROGRESS = 1024;

const WEEK = '168h';

/** The longest name that becomes part of the name of a record as it is, in bytes. */
const LONGEST_NAME = 900;

/** Names that begin so stand for a hash. */
const HASHED = 'sha256:';

/** The options of checkpoints, checked. */
export interface CheckpointSettings<T> {
  readonly name: string;
  /** Milliseconds. */
  readonly every: number;
  readonly keep: number;
  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;
  readonly version: number;
  readonly migrate?: (data: unknown, version: number) => T;
  readonly maxSize?: number;
}

/** @throws LockConfigurationError for options that cannot work */
export function readCheckpointOptions<T>(
  keys: readonly string[],
  { name, every = 0, keep = 3, ttl = WEEK, version = 1, migrate, maxSize }: CheckpointOptions<T>,
): CheckpointSettings<T> {
  const [only = '', ...others] = keys;
  if (name === undefined && others.length > 0) throw new LockConfigurationError(nameRequired(keys));
  assertKeep(keep);
  if (!Number.isSafeInteger(version) || version < 1) throw new LockConfigurationError(versionNotUsable(version));
  if (migrate !== undefined && typeof migrate !== 'function') throw new LockConfigurationError(migrateNotFunction());
  return {
    name: name ?? only,
    every: parseDuration(every, 'every'),
    keep,
    ttl: ttl === null ? null : parseDuration(ttl, 'ttl', { bareUnit: 's', minimum: 1 }),
    version,
    ...(migrate && { migrate }),
    ...(maxSize !== undefined && { maxSize }),
  };
}

/** @throws LockConfigurationError for a number that cannot be kept */
export function assertKeep(keep: unknown): asserts keep is number {
  if (!Number.isSafeInteger(keep) || (keep as number) < 1 || (keep as number) > MOST_KEPT) {
    throw new LockConfigurationError(keepNotUsable(keep, MOST_KEPT));
  }
}

/** @throws LockConfigurationError for progress that is not JSON, or too large */
export function assertProgress(progress: unknown): void {
  if (progress === undefined) return;
  let text: unknown;
  try {
    text = JSON.stringify(progress);
  } catch {
    text = undefined;
  }
  if (typeof text !== 'string') throw new LockConfigurationError(progressNotJson());
  const bytes = Buffer.byteLength(text);
  if (bytes > LONGEST_PROGRESS) throw new LockConfigurationError(progressTooLarge(bytes, LONGEST_PROGRESS));
}

/** What the names of records have of a name of checkpoints. No other name has the same. */
export function recordNameOf(name: string): string {
  // A key may have what the name of a record must not. In JSON no two of them are the same.
  const isUsable = isWellFormed(name) && !name.includes('\0');
  if (isUsable && Buffer.byteLength(name) <= LONGEST_NAME && !name.startsWith(HASHED)) return name;
  const hashed = isUsable ? name : `\0${JSON.stringify(name)}`;
  return `${HASHED}${createHash('sha256').update(hashed).digest('hex')}`;
}
