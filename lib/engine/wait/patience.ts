/** A key that was waited for longer than this, in milliseconds, is worth keeping while another one is missing. */
const HARD = 1000;

/** For how long keys that are taken in their order are kept at least, in milliseconds. */
const SHORTEST = 250;

/** After so many releases of keys that it had or could have had, keys are taken one by one in their order. */
const ROUNDS = 2;

/** A key that is held although another one is missing. */
interface Kept {
  /** For how long it was waited for, in milliseconds, and when that was over. */
  readonly waited: number;
  readonly since: number;
}

/**
 * For how long a caller of several keys keeps what it has while another one is missing: see "Several keys" in
 * docs/internals/protocol.md. It never holds a key for long that is easy to get, and has a turn after all: when it has given
 * something back twice it takes the keys in their order, and keeps them for as long as it has waited without any.
 */
export class Patience {
  private readonly kept = new Map<string, Kept>();
  private rounds = 0;
  private heldSince = 0;
  private heldFor = 0;

  constructor(private readonly joinedAt: number) {}

  /** Whether the keys are taken one by one in their order from now on: so no two callers can wait for each other. */
  get isOrdered(): boolean {
    return this.rounds >= ROUNDS;
  }

  /** `key` is there, after a wait of so many milliseconds, and another one is missing. */
  note(key: string, waited: number, now: number): void {
    if (this.kept.size === 0) this.heldSince = now;
    this.kept.set(key, { waited, since: now });
  }

  /** Whether to take `key`, which could be had now after a wait of so many milliseconds, while `awaited` is missing. */
  isWorthwhile(key: string, waited: number, awaited: string): boolean {
    return timeFor(key, waited, awaited) > 0;
  }

  /** A key could have been had, and was not taken or not kept. */
  noteRelease(): void {
    this.rounds += 1;
  }

  /** The keys that are kept no longer while `awaited` is missing. */
  takeOver(awaited: string, now: number): string[] {
    const over = [...this.kept.keys()].filter((key) => this.limit(key, awaited, now) <= now);
    if (over.length === 0) return over;
    this.rounds = this.isOrdered ? 0 : this.rounds + 1;
    for (const key of over) this.kept.delete(key);
    this.noteHeld(now);
    return over;
  }

  /** When the time of the next key is over that is kept while `awaited` is missing. */
  next(awaited: string, now: number): number {
    let next = Infinity;
    for (const key of this.kept.keys()) next = Math.min(next, this.limit(key, awaited, now));
    return next;
  }

  /** Nothing is kept any more. */
  clear(now: number): void {
    if (this.kept.size === 0) return;
    this.kept.clear();
    this.noteHeld(now);
  }

  private limit(key: string, awaited: string, now: number): number {
    const { waited, since } = this.kept.get(key) ?? { waited: 0, since: now };
    if (!this.isOrdered) return since + timeFor(key, waited, awaited);
    const waitedWithout = this.heldSince - this.joinedAt - this.heldFor;
    return this.heldSince + Math.max(SHORTEST, waitedWithout);
  }

  private noteHeld(now: number): void {
    if (this.kept.size === 0) this.heldFor += now - this.heldSince;
  }
}

/**
 * Callers that wait for each other's keys are bound to include one whose key comes before the one that it waits for: it
 * is the first to give way.
 */
function timeFor(key: string, waited: number, awaited: string): number {
  if (waited < HARD) return 0;
  return key > awaited ? waited / 2 : waited / 8;
}
