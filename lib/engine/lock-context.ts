import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lock } from '../interfaces/index.js';
import type { Lease } from './lease.js';

/** A job that runs under a lock, and the job it was called from. */
export interface Frame {
  readonly lock: Lock;
  readonly engine: object;
  readonly leases: readonly Lease[];
  readonly outer: Frame | undefined;
  /** Work that outlives the job still sees its frame, and must not take its lock for held. */
  ended: boolean;
}

const storage = new AsyncLocalStorage<Frame>();

/** A frame for a job that is about to run under `lock`, inside whatever job this call is made from. */
export function openFrame(lock: Lock, engine: object, leases: readonly Lease[]): Frame {
  return { lock, engine, leases, outer: storage.getStore(), ended: false };
}

/** Runs `job` so that calls made inside it know of its lock. */
export function runInFrame<T>(frame: Frame, job: () => T): T {
  return storage.run(frame, job);
}

/** The innermost lock of the running call chain. */
export function currentLock(): Lock | undefined {
  let frame = storage.getStore();
  while (frame?.ended) frame = frame.outer;
  return frame?.lock;
}

/** The lease of `engine`, held by a job around this call, that covers `key`. */
export function enclosingLease(engine: object, key: string, ownerId: string | undefined): Lease | undefined {
  for (let frame = storage.getStore(); frame; frame = frame.outer) {
    if (frame.ended || frame.engine !== engine) continue;
    const lease = frame.leases.find(
      ({ held, holds, terms }) => held && holds.has(key) && (ownerId === undefined || ownerId === terms.ownerId),
    );
    if (lease) return lease;
  }
  return undefined;
}
