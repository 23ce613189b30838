import type { LockingService } from '../../lib/index.js';

/** The keys that `list` returns, sorted. */
export async function listedKeys(locking: LockingService, match?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of locking.list({ match })) keys.push(key);
  return keys.sort();
}
