import { blockWorker } from './block-worker.js';
import type { Fault } from './fault.js';
import { freezeWorker } from './freeze-worker.js';
import { killWorker } from './kill-worker.js';

/** Faults of processes, on any store. */
export const workerFaults: readonly Fault[] = [killWorker, freezeWorker, ...blockWorker];
