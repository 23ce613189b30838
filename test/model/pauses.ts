import type { Caller } from './ledger.js';

/** How long a free key may stay free while a caller waits for it. */
export const LONGEST_PAUSE = 1100;

/** Rule: a free key goes to a waiter soon, whatever messages were lost. */
export class Pauses {
  private readonly firstSince = new Map<Caller, number>();

  constructor(
    private readonly now: () => number,
    private readonly calmSince: (process: number) => number,
    private readonly report: (violation: string) => void,
  ) {}

  /** @param first - the callers that are first in the queues of their processes */
  note(first: readonly Caller[]): void {
    const now = this.now();
    for (const caller of this.firstSince.keys()) if (!first.includes(caller)) this.firstSince.delete(caller);
    for (const caller of first) if (!this.firstSince.has(caller)) this.firstSince.set(caller, now);
  }

  /** `key` has been free from `freeSince` until now. */
  check(key: string, freeSince: number): void {
    this.checkAll((other) => (other === key ? freeSince : undefined));
  }

  /** @param freeSince - since when a key has been free, if it is */
  checkAll(freeSince: (key: string) => number | undefined): void {
    for (const [{ keys, process, done, abort }, firstSince] of this.firstSince) {
      if (done || abort.signal.aborted) continue;
      // A caller of several keys must be served when all of them are free.
      const free = Math.max(...keys.map((key) => freeSince(key) ?? Infinity));
      const since = Math.max(free, firstSince, this.calmSince(process));
      if (this.now() - since > LONGEST_PAUSE) {
        this.report(`WAKE: ${keys.join()} was free from ${since} to ${this.now()}, while P${process} waited`);
      }
    }
  }
}
