import { readOwner } from '../engine/options/lock-names.js';
import type { StoredLease } from '../provider-api/index.js';
import { formatDuration } from '../operations/examination/format-duration.js';
import { printable } from './terminal/printable.js';
import type { Column } from './terminal/table.js';
import type { OpenStore } from './store/open-store.js';

/** A held lock as commands show it, and as JSON has it. */
export interface LockRow {
  readonly key: string;
  /** Its holder. For a lock of other software, the raw value that it stored. */
  readonly ownerId: string;
  /** The instance of the application; `null` where a caller has named the owner, and for other software. */
  readonly instanceId: string | null;
  /** What the lock is called; `null` for none. */
  readonly label: string | null;
  /** `null` for a lock of other software. */
  readonly fencingToken: number | null;
  /** Milliseconds until the lease expires; `null` never. */
  readonly ttl: number | null;
  /** Milliseconds since the grant, as the token tells; `null` where it does not. */
  readonly heldFor: number | null;
  /** How many processes are in the queue; `null` where the store has no queues. */
  readonly waiting: number | null;
}

/** The clock of the store, asked once. */
export class StoreClock {
  private constructor(private readonly offset: number) {}

  static async of(store: OpenStore): Promise<StoreClock> {
    return new StoreClock((await store.now()) - performance.now());
  }

  now(): number {
    return this.offset + performance.now();
  }
}

export function toLockRow({ key, ownerId, fencingToken, ttl, queue }: StoredLease, clock: StoreClock): LockRow {
  const heldFor = fencingToken === null ? null : ageOfToken(fencingToken, clock.now());
  const { instanceId, label } = fencingToken === null ? NO_NAME : readOwner(ownerId);
  return { key, ownerId, instanceId, label, fencingToken, ttl, heldFor, waiting: queue?.length ?? null };
}

const NO_NAME = { instanceId: null, label: null };

/** In 2001: tokens are the time of the grant in microseconds. */
const FIRST_TIME = 1e15;

/** Tokens that are set aside for one process may be ahead of the clock by so much, in milliseconds. */
const MOST_AHEAD = 1000;

/** A token is the time of its grant in µs, unless the clock of the store was set back since. */
function ageOfToken(token: number, now: number): number | null {
  const age = now - token / 1000;
  return token < FIRST_TIME || age < -MOST_AHEAD ? null : Math.max(0, Math.round(age));
}

export const LOCK_COLUMNS: readonly Column[] = [
  { title: 'KEY', flexible: true },
  { title: 'HOLDER', flexible: true },
  { title: 'TOKEN', align: 'right' },
  { title: 'HELD FOR', align: 'right' },
  { title: 'EXPIRES IN', align: 'right' },
  { title: 'WAITING', align: 'right' },
];

/** As many characters of a value of other software, which may be of any length. */
const MOST_OF_VALUE = 120;

export function lockCells(row: LockRow): string[] {
  const { key, fencingToken, ttl, heldFor, waiting } = row;
  return [
    printable(key),
    nameOf(row),
    fencingToken === null ? '-' : String(fencingToken),
    heldFor === null ? '-' : formatDuration(heldFor),
    ttl === null ? 'never' : formatDuration(ttl),
    waiting === null ? '-' : String(waiting),
  ];
}

/** The holder's name for people: the instance and its task, where the owner's id tells. */
export function nameOf({ ownerId, instanceId, label, fencingToken }: LockRow): string {
  if (fencingToken === null) return `(other software) ${shortened(ownerId)}`;
  return printable(instanceId === null ? ownerId : [instanceId, label].filter((part) => part !== null).join(' '));
}

export function shortened(value: string): string {
  return value.length > MOST_OF_VALUE ? `${printable(value.slice(0, MOST_OF_VALUE))}…` : printable(value);
}

const byText = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0);

/** How rows can be sorted. Each with what matters first: the longest held, the next to expire, the most waiters. */
export const ORDERS = {
  key: (one, other) => byText(one.key, other.key),
  holder: (one, other) => byText(one.ownerId, other.ownerId),
  token: (one, other) => (one.fencingToken ?? 0) - (other.fencingToken ?? 0),
  held: (one, other) => (other.heldFor ?? -1) - (one.heldFor ?? -1),
  expires: (one, other) => (one.ttl ?? Infinity) - (other.ttl ?? Infinity) || 0,
  waiting: (one, other) => (other.waiting ?? 0) - (one.waiting ?? 0),
} satisfies Record<string, (one: LockRow, other: LockRow) => number>;

export type Order = keyof typeof ORDERS;

/** Rows of the same rank are sorted by key, so that one look shows them as the next. */
export function sorter(order: Order, reverse: boolean): (one: LockRow, other: LockRow) => number {
  const compare = ORDERS[order];
  return (one, other) => (compare(one, other) || byText(one.key, other.key)) * (reverse ? -1 : 1);
}
