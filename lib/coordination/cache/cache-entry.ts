import { randomUUID } from 'node:crypto';

/** A value as it stands in the cache. Milliseconds throughout. */
export interface CacheEntry {
  /** The version of this form. */
  readonly nlc: 1;
  readonly id: string;
  /** That of the `CacheFlight` which has made it; left out where it has none. */
  readonly prefix?: string;
  /** Left out by JSON where it is `undefined`. */
  readonly value?: unknown;
  /** The time of day at which it was made: when its load ended, or when it was set. */
  readonly at: number;
  /** How long its load took. */
  readonly cost: number;
  readonly ttl: number;
  readonly staleFor: number;
  /** The fencing token of its load; 0 without one. */
  readonly token: number;
}

/** An entry is served, served while a new one is loaded, or no more. */
export type Freshness = 'fresh' | 'stale' | 'over';

export function makeEntry({ prefix, ...entry }: Omit<CacheEntry, 'nlc' | 'id'>): CacheEntry {
  return { nlc: 1, id: randomUUID(), ...(prefix && { prefix }), ...entry };
}

/**
 * What other software has stored under the key, or a `CacheFlight` of another prefix, is no entry.
 *
 * @param prefix - that of the entries which are looked for
 */
export function readEntry(stored: unknown, prefix: string): CacheEntry | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { nlc, id, at, cost, ttl, staleFor, token, ...others } = stored as Partial<Record<keyof CacheEntry, unknown>>;
  const areNumbers = [at, cost, ttl, staleFor, token].every((each) => Number.isFinite(each));
  const isOurs = nlc === 1 && typeof id === 'string' && areNumbers && (others.prefix ?? '') === prefix;
  return isOurs ? (stored as CacheEntry) : undefined;
}

export function freshnessOf({ at, ttl, staleFor }: CacheEntry, now: number): Freshness {
  if (now < at + ttl) return 'fresh';
  return now < at + ttl + staleFor ? 'stale' : 'over';
}

/**
 * Whether a fresh entry is to be loaded anew before its time: XFetch, of A. Vattani, F. Chierichetti and K. Lowenstein,
 * "Optimal Probabilistic Cache Stampede Prevention", Proceedings of the VLDB Endowment 8(8), 2015.
 */
export function isDueEarly({ at, ttl, cost }: CacheEntry, now: number, beta: number, random: () => number): boolean {
  return beta > 0 && now - cost * beta * Math.log(random()) >= at + ttl;
}
