import { contend } from './contend.js';
import { dissolveCrowd, gatherCrowd, weighCrowd } from './crowd.js';
import { cycle } from './cycle.js';
import { beginWait, endWait, hold, ping, release } from './hand-off.js';
import { usedHeap } from './heap.js';
import { extendAll, holdMany, releaseMany } from './many-locks.js';
import { warmUp } from './warm-up.js';
import type { callInProcess } from './in-process.js';
import type { ownRenewal } from './own-renewal.js';

/** The operations that a worker offers. */
export const operations = {
  warmUp,
  cycle,
  contend,
  hold,
  release,
  beginWait,
  endWait,
  ping,
  gatherCrowd,
  weighCrowd,
  dissolveCrowd,
  holdMany,
  extendAll,
  releaseMany,
  usedHeap,
  // Loaded on demand, as they import Nest and this library.
  ownRenewal: async (...of: Parameters<typeof ownRenewal>) => (await import('./own-renewal.js')).ownRenewal(...of),
  callInProcess: async (...of: Parameters<typeof callInProcess>) =>
    (await import('./in-process.js')).callInProcess(...of),
};

export type Operations = typeof operations;
