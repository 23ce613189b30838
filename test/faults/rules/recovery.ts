import type { Call, Hold } from '../history/call.js';
import type { FaultRecord } from '../history/records.js';
import { firstAfter, firstOpen, type KeyLedger, type Ledger } from './ledger.js';
import { isFault, LONGEST_JOB, promiseAfter, SLACK, SOON, takesHolder } from './promises.js';
import type { Finding, Rule } from './rule.js';

/** The holder of a key is among the last so many grants. */
const LAST_HOLDS = 50;

/** Heading for faults that are too close to each other to be told apart. */
const TOGETHER = 'several faults at once';

/** Heading for waiters behind a call for several keys, which waits for another of them. */
const BEHIND_SEVERAL = 'behind calls for several keys';

/** After each fault every key is granted to a waiter within the promised time. */
export const recovery: Rule = {
  name: 'recovery too slow',
  check(ledger) {
    const breaches: Finding[] = [];
    const slow: Finding[] = [];
    const figures: Record<string, number> = {};
    const faults = ledger.history.faults.filter(isFault);
    for (const fault of faults) {
      for (const key of ledger.keys) {
        const measured = measure(ledger, faults, key, fault);
        if (!measured) continue;
        const { heading } = measured;
        figures[heading] = Math.max(figures[heading] ?? 0, measured.took);
        if (measured.late > 0) {
          const text = `${key.key}: ${measured.took.toFixed(0)} ms after "${fault.kind}" (${fault.detail ?? ''}), ${measured.late.toFixed(0)} ms more than promised${heading === fault.kind ? '' : `, ${heading}`}`;
          (measured.late > SLACK ? breaches : slow).push({ at: fault.from, text });
        }
      }
    }
    return { breaches, slow, figures };
  },
};

function measure(ledger: Ledger, faults: readonly FaultRecord[], key: KeyLedger, fault: FaultRecord) {
  const { lease } = ledger.history;
  const { anchor, within } = promiseAfter(fault, lease);
  const index = firstAfter(key.holds, anchor, ({ from }) => from);
  const next = key.holds[index];
  if (!next) return undefined;
  const away = takesHolder(fault) ? (fault.victims ?? []) : [];
  const before = key.holds.slice(Math.max(0, index - LAST_HOLDS), index);
  const had = before.some(({ call, until }) => away.includes(call.by) && until >= anchor);
  const since = waitedSince(key.calls, anchor, next.from, away);
  if (since === undefined) return undefined;
  const start = Math.max(since, heldUntil(before, next, away));
  const others = faults.filter((other) => other !== fault && isNear(other, lease, anchor, next.from));
  const bounds = [
    had ? anchor + within : latestEffect(fault, lease),
    ...others.map((other) => latestEffect(other, lease)),
  ];
  const oldest = firstOpen(key.calls, anchor);
  const latest = firstAfter(key.calls, next.from, ({ join }) => join);
  const several = key.calls.slice(oldest, latest).some(({ kind, settled }) => kind === 'several' && settled > start);
  // The other key may be held for as long as the longest job.
  const bound = Math.max(start + (start > anchor ? SOON : within), ...bounds) + (several ? LONGEST_JOB * lease : 0);
  const heading = several ? BEHIND_SEVERAL : others.length > 0 ? TOGETHER : fault.kind;
  return { took: Math.max(0, next.from - start), late: next.from - bound, heading };
}

/** Since when a caller has waited that was no victim itself. */
function waitedSince(
  calls: readonly Call[],
  anchor: number,
  until: number,
  away: readonly string[],
): number | undefined {
  let since: number | undefined;
  const first = firstOpen(calls, anchor);
  for (let i = first; i < calls.length && calls[i]!.join < until; i += 1) {
    const { join, settled, by, kind } = calls[i]!;
    const from = Math.max(join, anchor);
    if (kind === 'try' || settled < from || away.includes(by) || settled < until) continue;
    since = Math.min(since ?? Infinity, from);
  }
  return since;
}

/** Until when a healthy holder had the key, before `next`. */
function heldUntil(before: readonly Hold[], next: Hold, away: readonly string[]): number {
  const healthy = before.filter(({ call }) => !away.includes(call.by));
  return Math.min(Math.max(-Infinity, ...healthy.map(({ until }) => until)), next.from);
}

/** A process that stands still may be granted a key meanwhile, and has it until its lease ends, or until it goes on. */
function latestEffect(fault: FaultRecord, lease: number): number {
  const { anchor, within } = promiseAfter(fault, lease);
  return Math.max(anchor + within, fault.to + SOON);
}

function isNear(other: FaultRecord, lease: number, from: number, to: number): boolean {
  return other.from <= to && latestEffect(other, lease) >= from;
}
