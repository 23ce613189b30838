import { afterReading } from './after-reading.js';

/** A call that is not answered yet. */
export interface OpenCall {
  readonly since: number;
}

/**
 * Whether one server answers in time. While it owes an answer for longer than `nodeTimeout` it is left out: what it
 * owes is also what tells when it is there again.
 */
export class NodeSilence {
  isLeftOut = false;

  /** Oldest first. */
  private readonly underway = new Set<OpenCall>();
  private lastTook = 0;
  private isChecking = false;

  constructor(
    private readonly nodeTimeout: number,
    private readonly onLeftOut: () => void,
    /** @param hasAnswered - or else its connection has gone, and what it owed with it */
    private readonly onEnd: (hasAnswered: boolean) => void,
  ) {}

  /** Whether it answers fast enough to be worth waiting for although the outcome is known. */
  isPrompt(within: number): boolean {
    return this.lastTook <= within && this.silence() <= within;
  }

  /** Leaves it out if it has not answered in time. To be called when all that has come is read. */
  note(): void {
    if (this.isLeftOut || this.silence() < this.nodeTimeout) return;
    this.isLeftOut = true;
    this.onLeftOut();
  }

  begin(): OpenCall {
    if (this.silence() >= this.nodeTimeout) this.check();
    const call = { since: performance.now() };
    this.underway.add(call);
    return call;
  }

  end(call: OpenCall, hasAnswered: boolean): void {
    this.underway.delete(call);
    this.lastTook = performance.now() - call.since;
    if (!this.isLeftOut || this.silence() >= this.nodeTimeout) return;
    this.isLeftOut = false;
    this.onEnd(hasAnswered);
  }

  /** It may be this process that was busy: what has come is read first. */
  private check(): void {
    if (this.isChecking) return;
    this.isChecking = true;
    afterReading(() => {
      this.isChecking = false;
      this.note();
    });
  }

  private silence(): number {
    const oldest = this.underway.values().next().value;
    return oldest ? performance.now() - oldest.since : 0;
  }
}
