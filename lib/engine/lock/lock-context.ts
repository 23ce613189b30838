import { AsyncLocalStorage } from 'node:async_hooks';
import { LockConfigurationError, LockLostError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import { notLocked, takenAway } from '../engine.messages.js';
import { innermostRunning } from '../runtime/call-chain.js';
import type { Grant } from '../hold/lease.js';

/** A job that runs under a lock, and the job it was called from. */
export interface Frame {
  /** None once the job has ended: work that outlives it still sees the frame, and must not take its lock for held. */
  job: { readonly lock: Lock; readonly engine: object; readonly grants: readonly Grant[] } | undefined;
  outer: Frame | undefined;
}

const storage = new AsyncLocalStorage<Frame | undefined>();

/** A frame for a job that is about to run under `lock`, inside whatever job this call is made from. */
export function openFrame(lock: Lock, engine: object, grants: readonly Grant[]): Frame {
  return { job: { lock, engine, grants }, outer: runningFrame() };
}

/** The job has ended. Nothing of it is kept in memory by work that outlives it. */
export function closeFrame(frame: Frame): void {
  frame.job = undefined;
}

/** Calls `work` outside every lock. */
export function outsideFrames<T>(work: () => T): T {
  return storage.run(undefined, work);
}

const hasJob = ({ job }: Frame): boolean => job !== undefined;

const runningFrame = (): Frame | undefined => innermostRunning(storage.getStore(), hasJob);

/** Runs `job` so that calls made inside it know of its lock. */
export function runInFrame<T>(frame: Frame, job: () => T): T {
  return storage.run(frame, job);
}

/** The innermost lock of the running call chain. */
export function currentLock(): Lock | undefined {
  return runningFrame()?.job?.lock;
}

/** The innermost lock of the running call chain that covers `key` and comes from one of `engines`. */
export function lockAround(key: string, engines: readonly object[]): Lock | undefined {
  for (let frame = runningFrame(); frame; frame = frame.outer) {
    const { job } = frame;
    if (job?.lock.keys.includes(key) && engines.includes(job.engine)) return job.lock;
  }
  return undefined;
}

/** What jobs around this call hold of `keys` through `engine`, by key; nothing where there are no such jobs. */
export function enclosingGrants(
  engine: object,
  keys: readonly string[],
  ownerId: string | undefined,
): ReadonlyMap<string, Grant> | undefined {
  const innermost = runningFrame();
  if (!innermost) return undefined;
  const found = new Map<string, Grant>();
  for (const key of keys) {
    const grant = enclosingGrant(innermost, engine, key, ownerId);
    if (grant) found.set(key, grant);
  }
  return found.size > 0 ? found : undefined;
}

/** What jobs around this call hold through `engine`; nothing where there are no such jobs. */
export function grantsAround(engine: object): readonly Grant[] | undefined {
  let frame = runningFrame();
  if (!frame) return undefined;
  const grants: Grant[] = [];
  for (; frame; frame = frame.outer) {
    if (frame.job?.engine === engine) grants.push(...frame.job.grants);
  }
  return grants.length > 0 ? grants : undefined;
}

/** @throws what `LockingService.assertLocked` does */
export function assertLockedAround(engine: object, keys: readonly string[]): void {
  const around = grantsAround(engine) ?? [];
  for (const key of keys) {
    const covering = around.filter((grant) => grant.keys.includes(key));
    if (covering.some((grant) => grant.held && grant.leaseOf(key))) continue;
    if (covering.length === 0) throw new LockConfigurationError(notLocked(key));
    throw covering.find(({ loss }) => loss)?.loss ?? new LockLostError([key], takenAway([key]));
  }
}

function enclosingGrant(innermost: Frame, engine: object, key: string, ownerId: string | undefined): Grant | undefined {
  for (let frame: Frame | undefined = innermost; frame; frame = frame.outer) {
    if (frame.job?.engine !== engine) continue;
    for (const grant of frame.job.grants) {
      if (grant.leaseOf(key) && (grant.held || grant.doubted) && (ownerId === undefined || ownerId === grant.ownerId))
        return grant;
    }
  }
  return undefined;
}
