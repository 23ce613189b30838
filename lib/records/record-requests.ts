import { randomUUID } from 'node:crypto';
import { LockBackendError } from '../errors/index.js';
import type { RecordAnswer, RecordWrite, StoredRecord } from '../provider-api/index.js';
import { toCondition, toJson, toTtl } from './check-record.js';
import type { LockRecord, RecordChange, WriteRecordOptions } from './record.interface.js';
import { notReadable } from './record.messages.js';

/** @throws LockConfigurationError, LockKeyError for what no store could keep */
export function toWrite(name: string, value: unknown, options: WriteRecordOptions): RecordWrite {
  const condition = toCondition(name, options);
  const ttl = toTtl(name, options);
  return { ...condition, ttl, version: randomUUID(), value: toJson(name, value, options) };
}

export function toRecord<T>({ value, ...stored }: StoredRecord): LockRecord<T> {
  try {
    return { ...stored, value: JSON.parse(value) as T };
  } catch (cause) {
    throw new LockBackendError([stored.name], notReadable(stored.name), { cause });
  }
}

export function toChange<T>(answer: RecordAnswer, version: string | null): RecordChange<T> {
  if (answer.changed) return { changed: true, version };
  const { reason, record } = answer;
  return { changed: false, reason, record: record && toRecord<T>(record) };
}
