import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import type { Fault, PlannedFault, Stage } from '../faults/fault.js';
import type { Appender } from '../history/append.js';
import type { FaultRecord } from '../history/records.js';
import type { Random } from '../random.js';

/** The pace of faults. */
export interface Pace {
  /** Milliseconds between the end of one fault and the beginning of the next. */
  readonly shortestGap: number;
  readonly longestGap: number;
  /** The share of faults, from 0 to 1, that begin before the one before is over. */
  readonly overlapping: number;
}

export const USUAL: Pace = { shortestGap: 500, longestGap: 3000, overlapping: 0.25 };
export const DENSE: Pace = { shortestGap: 50, longestGap: 500, overlapping: 0.6 };

/**
 * Injects faults, one after another, at moments and with choices that follow from the seed alone. Each kind comes once
 * before any comes again.
 */
export class Schedule {
  readonly counts = new Map<string, number>();
  private readonly running = new Set<{ claims: readonly string[]; over: Promise<void> }>();
  private bag: Fault[] = [];

  constructor(
    private readonly faults: readonly Fault[],
    private readonly stage: Stage,
    private readonly random: Random,
    private readonly history: Appender<FaultRecord>,
    private readonly say: (line: string) => void,
    private readonly pace: Pace,
  ) {}

  /**
   * Injects until `end`, with `everyKind` until each kind has happened, or until `signal` aborts; resolves when all
   * faults are over.
   */
  async play(end: number, everyKind: boolean, signal: AbortSignal): Promise<void> {
    const isComplete = (): boolean => !everyKind || this.counts.size === this.faults.length;
    const isOver = (): boolean => signal.aborted || (now() >= end && isComplete());
    while (!isOver()) {
      const fault = this.next();
      const gap = this.random.between(this.pace.shortestGap, this.pace.longestGap);
      const overlaps = this.random.chance(this.pace.overlapping);
      const planned = fault.plan(this.random, this.stage);
      const left = isComplete() ? Math.max(0, end - now()) : Infinity;
      await delay(Math.min(gap, left), undefined, { signal }).catch(() => undefined);
      if (isOver()) break;
      await this.clear(planned);
      const over = this.inject(fault, planned);
      // The failure of a fault that overlaps shows at the end.
      if (overlaps) over.catch(() => undefined);
      else await over;
    }
    await Promise.all([...this.running].map(async ({ over }) => over));
  }

  private next(): Fault {
    if (this.bag.length === 0) this.bag = [...this.faults];
    const fault = this.random.pick(this.bag);
    this.bag.splice(this.bag.indexOf(fault), 1);
    return fault;
  }

  /** Waits until no fault with the same claims is under way. */
  private async clear({ claims }: PlannedFault): Promise<void> {
    const inTheWay = [...this.running].filter((other) => other.claims.some((claim) => claims.includes(claim)));
    await Promise.all(inTheWay.map(async ({ over }) => over));
  }

  private async inject({ kind }: Fault, planned: PlannedFault): Promise<void> {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1);
    this.say(`${kind} ${planned.detail}`);
    const from = now();
    const over = planned.inject().then((found) => {
      this.history.add({ kind, from, to: now(), detail: planned.detail, ...found });
    });
    const entry = { claims: planned.claims, over };
    this.running.add(entry);
    // A failure is reported to the caller that waits later; until then it must not be unhandled.
    over.catch(() => undefined);
    await over;
    this.running.delete(entry);
  }
}
