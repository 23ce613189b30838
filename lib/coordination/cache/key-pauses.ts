/** From so many keys on, those whose pause is over are forgotten. */
const MOST_PAUSES = 1000;

/** Keys for which something is not tried again for a while. */
export class KeyPauses {
  private readonly until = new Map<string, number>();

  /** @param length - of each pause, in milliseconds */
  constructor(private readonly length: number) {}

  begin(key: string): void {
    const now = performance.now();
    if (this.until.size >= MOST_PAUSES) {
      for (const [other, until] of this.until) if (until <= now) this.until.delete(other);
    }
    this.until.set(key, now + this.length);
  }

  has(key: string): boolean {
    return performance.now() < (this.until.get(key) ?? 0);
  }

  end(key: string): void {
    this.until.delete(key);
  }

  endAll(): void {
    this.until.clear();
  }
}
