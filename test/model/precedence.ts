/** How long the store keeps the place of a process that gives no sign of life. */
const PATIENCE = 5000;

/** What this rule asks after a process. */
export interface Presence {
  /** Whether the store can tell it anything. */
  isThere(process: number): boolean;
  /** Since when nothing has gone wrong with what it asks. */
  calmSince(process: number): number;
}

/** A process that the store has told to stand in line. Moments count what has happened. */
interface Stand {
  readonly process: number;
  attemptId: string;
  /** Nobody who joined later may pass it. */
  since: number;
  /** It may stand before anybody who joined later than this. */
  readonly earliest: number;
  seenAt: number;
}

/**
 * The lines of processes, as they follow from what the store has answered: nobody is passed over by one that joined
 * later or not at all, unless it could not be told, or gave no sign of life for want of a connection.
 */
export class Precedence {
  private readonly lines = new Map<string, Stand[]>();
  private moment = 0;

  constructor(
    private readonly now: () => number,
    private readonly presence: Presence,
    private readonly report: (violation: string) => void,
  ) {}

  queued(process: number, key: string, attemptId: string): void {
    const since = ++this.moment;
    const line = this.lines.get(key) ?? [];
    this.lines.set(key, line);
    const stand = line.find((one) => one.process === process);
    if (!stand) line.push({ process, attemptId, since, earliest: since, seenAt: this.now() });
    else {
      // The store may have dropped it meanwhile, or not.
      if (stand.since === Infinity || this.isStale(stand)) stand.since = since;
      stand.attemptId = attemptId;
      stand.seenAt = this.now();
    }
    if (!this.presence.isThere(process)) this.interrupted(process);
  }

  /** What the store has to say does not reach `process` from now on: whoever is first may be dropped for that. */
  interrupted(process: number): void {
    for (const line of this.lines.values()) {
      for (const stand of line) if (stand.process === process) stand.since = Infinity;
    }
  }

  struckOff(process: number, key: string, attemptId: string): void {
    this.leave(key, (stand) => stand.process === process && stand.attemptId === attemptId);
  }

  granted(process: number, key: string, attemptId: string, reentered: boolean): void {
    const moment = ++this.moment;
    if (reentered) {
      this.struckOff(process, key, attemptId);
      return;
    }
    const line = this.lines.get(key) ?? [];
    const place = line.find((stand) => stand.process === process)?.earliest ?? moment;
    for (const stand of line) {
      if (stand.process === process || stand.since >= place) continue;
      if (!this.hasLapsed(stand)) {
        this.report(`ORDER: ${key} went to P${process} before P${stand.process}, at ${this.now()}`);
      }
      stand.since = Infinity;
    }
    this.leave(key, (stand) => stand.process === process);
  }

  /** Whether the store has another process than `process` in line for `key`. */
  othersWait(key: string, process: number): boolean {
    return (this.lines.get(key) ?? []).some(
      (stand) => stand.process !== process && stand.since !== Infinity && !this.isStale(stand),
    );
  }

  /** Whether `process` is the first that the store has in line for `key`; who cannot be told keeps its place there. */
  isFirst(key: string, process: number): boolean {
    return this.lines.get(key)?.find((stand) => !this.isStale(stand))?.process === process;
  }

  private hasLapsed(stand: Stand): boolean {
    return this.isStale(stand) && this.presence.calmSince(stand.process) >= stand.seenAt;
  }

  private isStale({ seenAt }: Stand): boolean {
    return this.now() - seenAt > PATIENCE;
  }

  private leave(key: string, who: (stand: Stand) => boolean): void {
    const left = (this.lines.get(key) ?? []).filter((stand) => !who(stand));
    if (left.length > 0) this.lines.set(key, left);
    else this.lines.delete(key);
  }
}
