import type { Command } from '../command.interface.js';
import { EXIT } from '../exit-code.js';
import { readElectionKey, readTickKey } from '../key-names.js';
import { StoreClock, toLockRow } from '../lock-row.js';
import type { OpenStore } from '../store/open-store.js';
import { formatDuration } from '../../operations/examination/format-duration.js';
import { count } from '../terminal/format.js';
import { printable } from '../terminal/printable.js';

/** As many groups of keys are told apart, and so many are shown. */
const MOST_GROUPS = 10_000;
const SHOWN_GROUPS = 10;

/** What one look at the store counts, as JSON has it. */
interface Stats {
  held: number;
  /** How many of the held ones never expire. */
  neverExpire: number;
  foreign: number;
  contended: number;
  leaderElections: number;
  scheduledJobs: number;
  /** Entries of all queues: one per process and key. `null` where the store has no queues. */
  waiting: number | null;
  longestQueue: { readonly key: string; readonly waiting: number } | null;
  oldest: { readonly key: string; readonly heldFor: number } | null;
  /** How many locks have keys that begin so, up to the first `:` or `/`; most first. */
  byPrefix: { readonly prefix: string; readonly held: number }[];
  /** How long the store took to be asked for the time, in milliseconds. */
  roundTrip: number;
}

export const stats: Command = {
  name: 'stats',
  usage: '[pattern]',
  summary: 'how many locks are held and waited for, by the beginning of their keys',
  arguments: [0, 1],
  options: {},
  run: async ({ positionals, values, terminal, open }) => {
    const found = await countLocks(await open(), positionals[0]);
    if (values.json === true) await terminal.json(found);
    else for (const line of lines(found)) await terminal.line(line);
    return EXIT.done;
  },
};

async function countLocks(store: OpenStore, pattern: string | undefined): Promise<Stats> {
  const since = performance.now();
  const clock = await StoreClock.of(store);
  const stats: Stats = {
    held: 0,
    neverExpire: 0,
    foreign: 0,
    contended: 0,
    leaderElections: 0,
    scheduledJobs: 0,
    waiting: null,
    longestQueue: null,
    oldest: null,
    byPrefix: [],
    roundTrip: Math.round(performance.now() - since),
  };
  const groups = new Map<string, number>();
  for await (const lease of store.list(pattern)) {
    const { key, ttl, fencingToken, heldFor, waiting } = toLockRow(lease, clock);
    stats.held += 1;
    if (ttl === null) stats.neverExpire += 1;
    if (fencingToken === null) stats.foreign += 1;
    if (readElectionKey(key)) stats.leaderElections += 1;
    if (readTickKey(key)) stats.scheduledJobs += 1;
    if (heldFor !== null && heldFor > (stats.oldest?.heldFor ?? -1)) stats.oldest = { key, heldFor };
    if (waiting !== null) stats.waiting = (stats.waiting ?? 0) + waiting;
    if (waiting !== null && waiting > 0) {
      stats.contended += 1;
      if (waiting > (stats.longestQueue?.waiting ?? 0)) stats.longestQueue = { key, waiting };
    }
    const prefix = /^[^:/]*[:/]/.exec(key)?.[0] ?? key;
    if (groups.has(prefix) || groups.size < MOST_GROUPS) groups.set(prefix, (groups.get(prefix) ?? 0) + 1);
  }
  stats.byPrefix = [...groups]
    .map(([prefix, held]) => ({ prefix, held }))
    .sort((one, other) => other.held - one.held)
    .slice(0, SHOWN_GROUPS);
  return stats;
}

function lines(stats: Stats): string[] {
  const { held, neverExpire, foreign, contended, waiting, longestQueue, oldest, byPrefix, roundTrip } = stats;
  const width = String(byPrefix[0]?.held ?? 0).length;
  return [
    `${count(held, 'lock')} held: ${String(neverExpire)} never expire, ${String(foreign)} are of other software, ${String(stats.leaderElections)} of elections, ${String(stats.scheduledJobs)} of scheduled jobs`,
    waiting === null
      ? 'waiting: not known, as this store has no queues'
      : `${count(waiting, 'queue entry', 'queue entries')} for ${count(contended, 'key')}${longestQueue ? `, most for ${printable(longestQueue.key)}: ${String(longestQueue.waiting)}` : ''}`,
    ...(oldest ? [`held for longest: ${printable(oldest.key)}, ${formatDuration(oldest.heldFor)}`] : []),
    `the store answers in ${formatDuration(roundTrip)}`,
    ...byPrefix.map((group) => `  ${String(group.held).padStart(width)}  ${printable(group.prefix)}`),
  ];
}
