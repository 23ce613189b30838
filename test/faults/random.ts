/** A small generator (mulberry32): the same seed gives the same choices, on every machine. */
export class Random {
  private state: number;

  /** Each role has a sequence of its own, so that one more draw in one of them does not shift the others. */
  constructor(...seed: readonly (string | number)[]) {
    let hash = 2166136261;
    for (const character of seed.join('/')) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 16777619);
    this.state = hash >>> 0;
  }

  /** From 0 up to, but not including, 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[Math.floor(this.next() * choices.length)]!;
  }
}
