import { parseDuration } from '../engine/options/duration.js';
import { isWellFormed } from '../engine/options/well-formed.js';
import { LockConfigurationError, LockKeyError } from '../errors/index.js';
import type { RecordCondition } from '../provider-api/index.js';
import type { RecordConditionOptions, WriteRecordOptions } from './record.interface.js';
import {
  nameEmpty,
  nameNotString,
  nameNotWellFormed,
  nameTooLong,
  sizeNotUsable,
  tokenNotUsable,
  ttlMissing,
  valueNotJson,
  valueTooLarge,
  versionNotUsable,
} from './record.messages.js';

/** The most bytes that a name may have, in UTF-8: so many fit into an index of PostgreSQL. */
const LONGEST_NAME = 1024;

const LARGEST_VALUE = 262_144;

/** A function has no JSON, nor has `undefined`; the types of TypeScript do not say so. */
const stringify: (value: unknown, replacer: (name: string, value: unknown) => unknown) => string | undefined =
  JSON.stringify;

/** Of these JSON makes an empty object, so that what was in them would be lost without a word. */
function refuseEmptied(_: string, value: unknown): unknown {
  if (value instanceof Map || value instanceof Set || value instanceof ArrayBuffer) {
    throw new Error(
      `it has a ${value.constructor.name}, of which JSON keeps nothing: make an array or an object of it`,
    );
  }
  return value;
}

/** @throws LockKeyError for a name that no store could keep */
export function assertRecordName(name: unknown, mayBeEmpty = false): asserts name is string {
  if (typeof name !== 'string') throw new LockKeyError(nameNotString(name === null ? 'null' : typeof name));
  if (name === '' && !mayBeEmpty) throw new LockKeyError(nameEmpty());
  if (!isWellFormed(name) || name.includes('\0')) throw new LockKeyError(nameNotWellFormed(name), [name]);
  const bytes = Buffer.byteLength(name);
  if (bytes > LONGEST_NAME) throw new LockKeyError(nameTooLong(name, bytes, LONGEST_NAME), [name]);
}

/** @throws LockConfigurationError for a token or a version that cannot be one */
export function toCondition(name: string, { token = 0, ifVersion }: RecordConditionOptions): RecordCondition {
  assertRecordName(name);
  if (!Number.isSafeInteger(token) || token < 0) throw new LockConfigurationError(tokenNotUsable(name, token));
  if (ifVersion === undefined) return { name, token };
  if (ifVersion !== null && (typeof ifVersion !== 'string' || ifVersion === '')) {
    throw new LockConfigurationError(versionNotUsable(name));
  }
  return { name, token, ifVersion };
}

/** @throws LockConfigurationError for a value that is not JSON, or too large */
export function toJson(
  name: string,
  value: unknown,
  { maxSize = LARGEST_VALUE }: Pick<WriteRecordOptions, 'maxSize'>,
): string {
  if (!Number.isSafeInteger(maxSize) || maxSize < 1) throw new LockConfigurationError(sizeNotUsable());
  let text: string | undefined;
  try {
    text = stringify(value, refuseEmptied);
  } catch (error) {
    throw new LockConfigurationError(valueNotJson(name, error instanceof Error ? error.message : String(error)));
  }
  if (text === undefined) throw new LockConfigurationError(valueNotJson(name, `it is of type ${typeof value}`));
  const bytes = Buffer.byteLength(text);
  if (bytes > maxSize) throw new LockConfigurationError(valueTooLarge(name, bytes, maxSize));
  return text;
}

/** @throws LockConfigurationError for no length of time */
export function toTtl(name: string, { ttl }: WriteRecordOptions): number | null {
  if ((ttl as unknown) === undefined) throw new LockConfigurationError(ttlMissing(name));
  return ttl === null ? null : parseDuration(ttl, 'ttl', { bareUnit: 's', minimum: 1 });
}
