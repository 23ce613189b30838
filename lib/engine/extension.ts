import { localDeadline } from './drift.js';
import type { EngineParts } from './engine-parts.js';

/** Makes `ownerId`'s leases last longer in the store and, where they are this process's, here. All or nothing. */
export async function extendByKey(
  { calls, clock, keeper }: EngineParts,
  keys: readonly string[],
  ownerId: string,
  ttl: number | null,
): Promise<boolean> {
  const sentAt = clock.now();
  const asked = keeper.askedAfter(keys, ownerId);
  const held = await calls.ask('extend', { keys, ownerId, ttl });
  keeper.noteAnswer(asked, held, ttl === null ? undefined : localDeadline(sentAt, ttl));
  return held.every(Boolean);
}
