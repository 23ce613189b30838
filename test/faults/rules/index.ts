import type { History } from '../history/call.js';
import { aborts } from './aborts.js';
import { atRest } from './at-rest.js';
import { checkpoints } from './checkpoints.js';
import { darkConnections } from './dark-connections.js';
import { errors } from './errors.js';
import { exclusion } from './exclusion.js';
import { fairness } from './fairness.js';
import { idleKey } from './idle-key.js';
import { openLedger } from './ledger.js';
import { localOrder } from './local-order.js';
import { payments } from './payments.js';
import { recovery } from './recovery.js';
import type { Finding, Rule } from './rule.js';
import { staleWrites } from './stale-writes.js';
import { timeouts } from './timeouts.js';
import { tokenOrder } from './token-order.js';
import { unlockedJobs } from './unlocked-jobs.js';

/** A breach, and the rule that found it. */
export interface Breach extends Finding {
  readonly rule: string;
}

/** The judgement of all rules on a history. */
export interface Judgement {
  readonly breaches: readonly Breach[];
  /** Findings that took longer than promised, but within the slack of a busy machine. */
  readonly slow: readonly Breach[];
  /** The number of allowed findings, by rule and reason. */
  readonly allowed: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Counts, and times in milliseconds. */
  readonly figures: Readonly<Record<string, number>>;
  /** Per kind of fault, the longest time from it to the next grant of a key that was waited for, in milliseconds. */
  readonly recovery: Readonly<Record<string, number>>;
}

/** Locks with several holders at a time would be counted by a rule of their own, beside `exclusion`. */
const RULES: readonly Rule[] = [
  exclusion,
  tokenOrder,
  staleWrites,
  fairness,
  localOrder,
  recovery,
  darkConnections,
  idleKey,
  timeouts,
  unlockedJobs,
  payments,
  checkpoints,
  aborts,
  errors,
  atRest,
];

export function judge(history: History): Judgement {
  const ledger = openLedger(history);
  const breaches: Breach[] = [];
  const slow: Breach[] = [];
  const allowed: Record<string, Readonly<Record<string, number>>> = {};
  const figures: Record<string, number> = {};
  let recovered: Readonly<Record<string, number>> = {};
  for (const rule of RULES) {
    const result = rule.check(ledger);
    breaches.push(...result.breaches.map((breach) => ({ ...breach, rule: rule.name })));
    slow.push(...(result.slow ?? []).map((finding) => ({ ...finding, rule: rule.name })));
    const seen = Object.entries(result.allowed ?? {}).filter(([, times]) => times > 0);
    if (seen.length > 0) allowed[rule.name] = Object.fromEntries(seen);
    if (rule === recovery) recovered = result.figures ?? {};
    else Object.assign(figures, result.figures);
  }
  figures['terms of leaders'] = history.calls.filter(({ kind, hold }) => hold && kind === 'leader').length;
  figures.grants = history.calls.filter(({ hold }) => hold).length;
  return { breaches, slow, allowed, figures, recovery: recovered };
}
