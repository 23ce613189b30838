import assert from 'node:assert/strict';
import type { CancelRequest, LeaseAnswer, LeaseRequest, LeaseStore, ReleaseRequest } from '../../provider-api/index.js';

let attempts = 0;

/** Asks for a lease: one key or several, one owner, a fresh attempt. */
export async function acquire(
  provider: LeaseStore,
  keys: string | readonly string[],
  ownerId: string,
  more: Partial<LeaseRequest> = {},
): Promise<LeaseAnswer> {
  return provider.acquire(requestFor(keys, ownerId, more));
}

/** A request for a lease: a fresh attempt, for long, if `more` does not say otherwise. */
export function requestFor(
  keys: string | readonly string[],
  ownerId: string,
  more: Partial<LeaseRequest> = {},
): LeaseRequest {
  return {
    keys: typeof keys === 'string' ? [keys] : keys,
    ownerId,
    attemptId: `attempt-${String((attempts += 1))}`,
    processId: 'process',
    ttl: 30_000,
    onlyIfOwned: false,
    ...more,
  };
}

/** The same, where anything but a grant is a failure. Gives the tokens. */
export async function take(...args: Parameters<typeof acquire>): Promise<readonly number[]> {
  const answer = await acquire(...args);
  assert.ok(answer.granted, `${String(args[1])} should have been granted to ${args[2]}`);
  return answer.fencingTokens;
}

export async function extend(
  provider: LeaseStore,
  keys: readonly string[],
  ownerId: string,
  ttl: number | null,
): Promise<readonly boolean[]> {
  return provider.extend({ keys, ownerId, ttl });
}

export async function release(
  provider: LeaseStore,
  keys: readonly string[],
  ownerId: string,
  more: Partial<ReleaseRequest> = {},
): Promise<readonly string[]> {
  return provider.release({ keys, ownerId, ...more });
}

export async function cancel(
  provider: LeaseStore,
  keys: readonly string[],
  ownerId: string,
  attemptId: string,
  more: Partial<CancelRequest> = {},
): Promise<readonly string[]> {
  return provider.cancel({ keys, ownerId, attemptId, processId: 'process', pending: false, ...more });
}

/** The holder of the key, and the length of its lease. */
export async function look(provider: LeaseStore, key: string): Promise<{ ownerId: string; ttl: number | null } | null> {
  const [stored] = await provider.inspect([key]);
  return stored ? { ownerId: stored.ownerId, ttl: stored.ttl } : null;
}

/** That a remaining time is what it was set to, or little less. */
export function assertAbout(actual: number | null | undefined, expected: number, within = 500): void {
  assert.ok(
    typeof actual === 'number' && actual <= expected && actual > expected - within,
    `expected at most ${String(expected)} ms and little less, got ${String(actual)}`,
  );
}
