import { randomUUID } from 'node:crypto';
import { isQueueing, type LeaseRequest, type WakeUpListener } from '../../provider-api/index.js';
import type { Finding } from '../../provider-api/operable-store.js';
import { CommandError } from '../exit-code.js';
import type { OpenStore } from '../store/open-store.js';
import { findings } from './doctor.messages.js';

/** Its lock ends by itself so soon, should this process die meanwhile, in milliseconds. */
const LEASE = 10_000;

/** A message takes milliseconds. */
const PATIENCE = 3000;

/**
 * Acquires a lock of its own, has a second process wait for it, renews and releases it, and listens for the wake-up: what
 * fails here fails in the application.
 *
 * @param lastWarning - what the provider has warned of last, which tells why messages do not arrive
 */
export async function tryLock(opened: OpenStore, lastWarning: () => string | undefined): Promise<Finding[]> {
  const key = `doctor:${randomUUID()}`;
  const holder = requestOf(key);
  const waiter = requestOf(key);
  const found: Finding[] = [];
  let step = 'acquired';
  const since = performance.now();
  try {
    const granted = await opened.call('lock', [key], async (store) => store.acquire(holder));
    if (!granted.granted) throw new CommandError('the store refused a key that nobody holds', 1);
    step = 'renewed';
    const [extended] = await opened.call('renew', [key], async (store) =>
      store.extend({ keys: [key], ownerId: holder.ownerId, ttl: LEASE }),
    );
    if (extended !== true) throw new CommandError('the store has lost it at once', 1);
    step = 'waited for';
    const wakeUp = await queueUp(opened, waiter);
    step = 'released';
    const releasedAt = performance.now();
    const [outcome] = await opened.call('release', [key], async (store) => store.release(holder));
    if (outcome !== 'freed') throw new CommandError('the store had lost it', 1);
    found.push(findings.trial(performance.now() - since));
    if (!wakeUp) found.push(findings.noQueues());
    else {
      const heard = await within(wakeUp.woken, PATIENCE);
      found.push(heard === undefined ? findings.noWakeUps(lastWarning()) : findings.wakeUps(heard - releasedAt));
    }
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    found.push(findings.trialFailed(step, error.message));
  } finally {
    await cleanUp(opened, [holder, waiter]);
  }
  return found;
}

/** @returns when the waiter is woken, in milliseconds; nothing for a store without queues */
async function queueUp(
  opened: OpenStore,
  waiter: LeaseRequest,
): Promise<{ readonly woken: Promise<number> } | undefined> {
  const { store } = opened;
  if (!isQueueing(store)) return undefined;
  let wake: (at: number) => void = () => undefined;
  const woken = new Promise<number>((resolve) => (wake = resolve));
  const note = (key: string): void => {
    if (key === waiter.keys[0]) wake(performance.now());
  };
  const nothing = (): void => undefined;
  const listener: WakeUpListener = {
    granted: note,
    offered: note,
    contended: nothing,
    lost: nothing,
    interrupted: nothing,
    restored: nothing,
  };
  // Where it may not subscribe, the promise stays open or rejects; no wake-up comes then.
  const listening = store.listen(waiter.processId, listener).then(() => true);
  listening.catch(nothing);
  await within(
    listening.catch(() => false),
    PATIENCE,
  );
  await opened.call('lock', waiter.keys, async () => store.acquire({ ...waiter, queue: true }));
  return { woken };
}

function requestOf(key: string): LeaseRequest {
  const processId = `doctor-${randomUUID()}`;
  const attemptId = `${processId}.0`;
  return { keys: [key], ownerId: attemptId, attemptId, processId, ttl: LEASE, onlyIfOwned: false };
}

/** What fails here ends by itself with the lease. */
async function cleanUp(opened: OpenStore, requests: readonly LeaseRequest[]): Promise<void> {
  for (const { keys, ownerId, attemptId, processId } of requests) {
    const cancel = { keys, ownerId, attemptId, processId, pending: false };
    await opened.call('release', keys, async (store) => store.cancel(cancel)).catch(() => undefined);
  }
}

async function within<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
