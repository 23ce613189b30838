import type { Caller } from './ledger.js';

/** How long a free key may stay free while somebody waits for it. */
export const LONGEST_PAUSE = 1100;

/** A key that is free goes soon to somebody who waits for it, whatever message was lost. */
export class Pauses {
  private readonly firstSince = new Map<Caller, number>();

  constructor(
    private readonly now: () => number,
    private readonly calmSince: (process: number) => number,
    private readonly report: (violation: string) => void,
  ) {}

  /** Who has nobody before it in its process. */
  note(first: readonly Caller[]): void {
    const now = this.now();
    for (const caller of this.firstSince.keys()) if (!first.includes(caller)) this.firstSince.delete(caller);
    for (const caller of first) if (!this.firstSince.has(caller)) this.firstSince.set(caller, now);
  }

  /** `key` has been free from `freeSince` until now. */
  check(key: string, freeSince: number): void {
    this.checkAll((other) => (other === key ? freeSince : undefined));
  }

  /** Since when each key has been free, if it is. */
  checkAll(freeSince: (key: string) => number | undefined): void {
    for (const [{ keys, process, done, abort }, firstSince] of this.firstSince) {
      if (done || abort.signal.aborted) continue;
      // A caller of several keys is to be served when all of them are free.
      const free = Math.max(...keys.map((key) => freeSince(key) ?? Infinity));
      const since = Math.max(free, firstSince, this.calmSince(process));
      if (this.now() - since > LONGEST_PAUSE) {
        this.report(`WAKE: ${keys.join()} was free from ${since} to ${this.now()}, while P${process} waited`);
      }
    }
  }
}
