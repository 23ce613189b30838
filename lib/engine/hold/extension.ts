import { localDeadline } from '../runtime/drift.js';
import type { EngineParts } from '../engine-parts.js';
import { STORE_ANSWER_TIMEOUT } from '../store/store-calls.js';

/** Makes `ownerId`'s leases last longer in the store and, where they are this process's, here. All or nothing. */
// Not an async function: who extends thousands at once pays for every promise.
// eslint-disable-next-line @typescript-eslint/promise-function-async
export function extendByKey(
  { calls, leaseClock, keeper }: EngineParts,
  keys: readonly string[],
  ownerId: string,
  ttl: number | null,
): Promise<boolean> {
  const sentAt = leaseClock.now();
  const asked = keeper.askedAfter(keys, ownerId);
  for (const one of asked) {
    if (!one || ttl === null) continue;
    const { lease } = one;
    lease.mayLastUntil = Math.max(lease.mayLastUntil, sentAt + STORE_ANSWER_TIMEOUT + ttl);
    lease.extendedUntil = Math.max(lease.extendedUntil, sentAt + ttl);
  }
  const attemptId = keys.length === 1 ? asked[0]?.attemptId : undefined;
  return new Promise((resolve, reject) => {
    calls.extend(
      { keys, ownerId, ttl, attemptId, leases: asked },
      {
        answered: (held) => {
          keeper.noteAnswer(asked, held, ttl === null ? undefined : localDeadline(sentAt, ttl));
          resolve(held.every(Boolean));
        },
        failed: reject,
      },
    );
  });
}
