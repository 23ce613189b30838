import type { Entry } from '../bank/entry.js';
import type { Payment } from '../payments/payment.js';

/** A worker that was killed, and the length of the ledger at that moment. */
export interface Kill {
  readonly instance: string;
  readonly ledgerLength: number;
}

/** The figures of a run, read from the ledger. */
export interface Audit {
  readonly charged: number;
  readonly twice: readonly string[];
  readonly lost: readonly string[];
  readonly unknown: readonly string[];
  readonly outOfOrder: readonly string[];
  /** Writes with a fencing token that was too old. */
  readonly refused: number;
  readonly mostInFlight: number;
  readonly settlements: number;
  /** The leaders, in order. */
  readonly leaders: readonly string[];
  /** Settlements by an instance whose term was over, or by two instances in one term. */
  readonly strayed: number;
}

/** Judges a run by its ledger alone. */
export function audit(plan: readonly Payment[], entries: readonly Entry[], kill?: Kill): Audit {
  const written = entries.filter(({ refused }) => !refused);
  const charges = written.filter(({ kind }) => kind === 'charge');
  const times = new Map<string, number>();
  for (const { id = '' } of charges) times.set(id, (times.get(id) ?? 0) + 1);
  const planned = new Set(plan.map(({ id }) => id));
  const settlements = written.filter(({ kind }) => kind === 'settlement');
  return {
    charged: charges.length,
    twice: [...times].filter(([, count]) => count > 1).map(([id]) => id),
    lost: [...planned].filter((id) => !times.has(id)),
    unknown: [...times.keys()].filter((id) => !planned.has(id)),
    outOfOrder: outOfOrder(charges),
    refused: entries.length - written.length,
    mostInFlight: mostInFlight(entries, kill),
    settlements: settlements.length,
    leaders: settlements.map(({ instance }) => instance).filter((each, index, all) => each !== all[index - 1]),
    strayed: strayed(settlements),
  };
}

function outOfOrder(charges: readonly Entry[]): string[] {
  const last = new Map<string, number>();
  const wrong: string[] = [];
  for (const { id = '', customer = '', sequence = 0 } of charges) {
    if (sequence < (last.get(customer) ?? 0)) wrong.push(id);
    last.set(customer, sequence);
  }
  return wrong;
}

/** A charge is in flight from its beginning until it is written or refused, or until its worker is killed. */
function mostInFlight(entries: readonly Entry[], kill: Kill | undefined): number {
  const inFlight = new Map<string, string>();
  let most = 0;
  entries.forEach(({ kind, id = '', instance, refused }, index) => {
    if (index === kill?.ledgerLength) {
      for (const [each, by] of inFlight) if (by === kill.instance) inFlight.delete(each);
    }
    if (kind === 'begin' && !refused) inFlight.set(id, instance);
    if (kind === 'charge') inFlight.delete(id);
    most = Math.max(most, inFlight.size);
  });
  return most;
}

function strayed(settlements: readonly Entry[]): number {
  const leaderOf = new Map<number, string>();
  let newest = 0;
  return settlements.filter(({ fencingToken, instance }) => {
    const wrong = fencingToken < newest || (leaderOf.get(fencingToken) ?? instance) !== instance;
    newest = Math.max(newest, fencingToken);
    leaderOf.set(fencingToken, instance);
    return wrong;
  }).length;
}
