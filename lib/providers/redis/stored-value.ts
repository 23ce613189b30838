import type { StoredLease } from '../../provider-api/index.js';

/** What the scripts write at a lock key; see `scripts/shared/value.lua`. */
const OWN_VALUE = /^nl1:(\d+):[^:]*:([^]*)$/;

/** A lock as the store has it. A value of another program's making is shown whole as its owner. */
export function toStoredLease(key: string, value: string, pttl: number, queue: readonly string[]): StoredLease {
  const match = OWN_VALUE.exec(value);
  return {
    key,
    ownerId: match?.[2] ?? value,
    fencingToken: match ? Number(match[1]) : null,
    ttl: pttl < 0 ? null : pttl,
    queue,
  };
}
