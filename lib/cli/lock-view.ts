import { instanceOfProcess } from '../engine/options/lock-names.js';
import type { StoredLease } from '../provider-api/index.js';
import type { QueueEntry } from '../provider-api/operable-store.js';
import { shortened, StoreClock, toLockRow, type LockRow } from './lock-row.js';
import type { OpenStore } from './store/open-store.js';
import { formatDuration } from '../operations/examination/format-duration.js';
import { count } from './terminal/format.js';
import { printable } from './terminal/printable.js';

/** After so many milliseconds without a heartbeat an entry is skipped. */
export const QUEUE_PATIENCE = 5000;

/** A key as `inspect` shows it, and as JSON has it. */
export interface LockView extends Omit<LockRow, 'waiting'> {
  readonly held: true;
  /** Whether other software holds it. */
  readonly foreign: boolean;
  readonly queue: readonly QueueEntry[] | null;
}

/** @returns the lease as well, so that it can be released as it was seen; `null` for a free key */
export async function lookAt(store: OpenStore, key: string): Promise<{ lease: StoredLease; view: LockView } | null> {
  const [lease, queue, clock] = await Promise.all([
    store.inspect(key),
    store.call('inspect', [key], async (asked) => asked.readQueue(key)),
    StoreClock.of(store),
  ]);
  if (!lease) return null;
  const row = toLockRow(lease, clock);
  const { ownerId, instanceId, label, fencingToken, ttl, heldFor } = row;
  const foreign = fencingToken === null;
  const hasQueue = lease.queue !== undefined;
  return {
    lease,
    view: {
      key,
      held: true,
      ownerId,
      instanceId,
      label,
      fencingToken,
      ttl,
      heldFor,
      foreign,
      queue: hasQueue ? queue : null,
    },
  };
}

export function viewLines(view: LockView): string[] {
  const { key, ownerId, instanceId, label, fencingToken, ttl, heldFor, foreign, queue } = view;
  const lines = [
    `Key      ${printable(key)}`,
    foreign ? `Holder   other software, which stored ${shortened(ownerId)}` : `Holder   ${printable(ownerId)}`,
    ...(instanceId === null ? [] : [`Instance ${printable(instanceId)}`]),
    ...(label === null ? [] : [`Label    ${printable(label)}`]),
    `Token    ${fencingToken === null ? 'none' : String(fencingToken)}`,
    ...(heldFor === null ? [] : [`Granted  ${formatDuration(heldFor)} ago`]),
    ttl === null ? 'Expires  never' : `Expires  in ${formatDuration(ttl)}, unless the holder renews it`,
  ];
  if (queue === null) return [...lines, 'Queue    this store has none: waiting processes ask again and again'];
  lines.push(
    `Queue    ${queue.length === 0 ? 'no process waits' : count(queue.length, 'process waits', 'processes wait')}`,
  );
  return [...lines, ...queue.map((entry, index) => `  ${String(index + 1).padStart(3)}  ${entryLine(entry)}`)];
}

function entryLine({ processId, ownerId, silentFor }: QueueEntry): string {
  const owner = ownerId === undefined || ownerId.startsWith(`${processId}.`) ? '' : ` for ${printable(ownerId)}`;
  const instance = instanceOfProcess(processId);
  const process = `${instance === null ? '' : `${printable(instance)}, `}process ${printable(processId)}${owner}`;
  if (silentFor === undefined) return `${process}  without an entry: it will be skipped`;
  const age = `heard ${formatDuration(silentFor)} ago`;
  return `${process}  ${age}${silentFor > QUEUE_PATIENCE ? ': it has died or hangs, and will be skipped' : ''}`;
}
