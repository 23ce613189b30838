import type { Counters, WriteRequest } from './protocol.js';

interface Guarded {
  highest: number;
  fenced: number;
  plain: number;
}

/** The outcome of one step. */
export interface Step {
  readonly accepted: boolean;
  readonly value: Counters;
  /** With a write: whether the counter was still the one that the writer had read. */
  readonly fenced: boolean;
  readonly plain: boolean;
}

/**
 * The guarded resource: a counter per key that a holder reads and then writes incremented. It refuses a token smaller
 * than one that it has seen, at reading as well: otherwise a late write could come between the read and the write of
 * the next holder.
 */
export class Resource {
  private readonly keys = new Map<string, Guarded>();

  perform({ op, key, token, base = { fenced: 0, plain: 0 } }: WriteRequest): Step {
    const guarded = this.of(key);
    const accepted = token >= guarded.highest;
    if (accepted) guarded.highest = token;
    const fenced = guarded.fenced === base.fenced;
    const plain = guarded.plain === base.plain;
    if (op === 'write') {
      if (accepted) guarded.fenced = base.fenced + 1;
      guarded.plain = base.plain + 1;
    }
    return { accepted, value: { fenced: guarded.fenced, plain: guarded.plain }, fenced, plain };
  }

  private of(key: string): Guarded {
    let guarded = this.keys.get(key);
    if (!guarded) this.keys.set(key, (guarded = { highest: 0, fenced: 0, plain: 0 }));
    return guarded;
  }
}
