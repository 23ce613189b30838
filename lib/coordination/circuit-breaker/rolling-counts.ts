/** So finely time is counted: a call is forgotten up to a tenth of the window too early. */
const SLOTS = 10;

interface Slot {
  /** Which slot since the clock began. */
  number: number;
  calls: number;
  failures: number;
}

/** How many calls ended lately, and how many of them failed. */
export class RollingCounts {
  private slots: Slot[] = [];

  constructor(
    private readonly window: number,
    private readonly now: () => number,
  ) {}

  add(failed: boolean): void {
    const number = this.slotNow();
    let slot = this.slots.at(-1);
    if (slot?.number !== number) {
      this.slots = [...this.recent(), (slot = { number, calls: 0, failures: 0 })];
    }
    slot.calls += 1;
    if (failed) slot.failures += 1;
  }

  get(): { readonly calls: number; readonly failures: number } {
    let [calls, failures] = [0, 0];
    for (const slot of this.recent()) {
      calls += slot.calls;
      failures += slot.failures;
    }
    return { calls, failures };
  }

  clear(): void {
    this.slots = [];
  }

  private recent(): Slot[] {
    const oldest = this.slotNow() - SLOTS + 1;
    return this.slots.filter(({ number }) => number >= oldest);
  }

  private slotNow(): number {
    return Math.floor(this.now() / (this.window / SLOTS));
  }
}
