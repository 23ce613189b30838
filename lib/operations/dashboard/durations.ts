/** A length of time falls into the bucket of the next higher power of this. */
const BASE = 1.1;

/** Of the lowest bucket, in milliseconds; of the highest, about a day and a half. */
const SHORTEST = 0.01;
const BUCKETS = 250;

/** The lengths of time, in milliseconds, that 50, 95 and 99 of 100 do not exceed, to a tenth; `count` is how many there were. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** How many times each length of time was seen: of fixed size, however many there are. */
export class Durations {
  private readonly counts = new Uint32Array(BUCKETS);
  private total = 0;

  note(milliseconds: number): void {
    const bucket = Math.ceil(Math.log(milliseconds / SHORTEST) / Math.log(BASE));
    const index = Math.min(BUCKETS - 1, Math.max(0, bucket));
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.total += 1;
  }

  /** `null` where none was seen. */
  static percentilesOf(all: readonly Durations[]): Percentiles | null {
    const count = all.reduce((sum, { total }) => sum + total, 0);
    if (count === 0) return null;
    const used = all.filter(({ total }) => total > 0);
    const at = (share: number): number => {
      const rank = Math.ceil(count * share);
      let seen = 0;
      for (let index = 0; index < BUCKETS; index += 1) {
        for (const { counts } of used) seen += counts[index] ?? 0;
        if (seen >= rank) return lengthOf(index);
      }
      return lengthOf(BUCKETS - 1);
    };
    return { count, p50: at(0.5), p95: at(0.95), p99: at(0.99) };
  }
}

/** The middle of a bucket, with two digits: it is not known better. */
function lengthOf(index: number): number {
  return Number((SHORTEST * BASE ** (index - 0.5)).toPrecision(2));
}
