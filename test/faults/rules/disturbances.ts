import type { History } from '../history/call.js';
import { isFault, promiseAfter, SOON } from './promises.js';

interface Span {
  from: number;
  to: number;
}

/** The times of faults of the store, the workers or the machine, with the time for recovery. */
export class Disturbances {
  private readonly spans: Span[] = [];

  constructor(spans: Span[]) {
    for (const { from, to } of spans.sort((a, b) => a.from - b.from)) {
      const last = this.spans.at(-1);
      if (last && from <= last.to) last.to = Math.max(last.to, to);
      else this.spans.push({ from, to });
    }
  }

  /** Whether there was no fault between the two moments. */
  isQuiet(from: number, to: number): boolean {
    let low = 0;
    let high = this.spans.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.spans[middle]!.to < from) low = middle + 1;
      else high = middle;
    }
    const span = this.spans[low];
    return !span || span.from > to;
  }
}

export function disturbancesOf({ faults, lags, lease }: History): Disturbances {
  const ofFaults = faults.filter(isFault).map((fault) => {
    const { anchor, within } = promiseAfter(fault, lease);
    return { from: fault.from, to: Math.max(fault.to, anchor + within) + SOON };
  });
  const ofLags = lags.map(({ from, to }) => ({ from, to: to + SOON }));
  return new Disturbances([...ofFaults, ...ofLags]);
}
