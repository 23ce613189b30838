import { blockWorker } from './block-worker.js';
import type { Fault } from './fault.js';
import { freezeWorker } from './freeze-worker.js';
import { killWorker } from './kill-worker.js';

/** What can happen to processes, whatever their store is. */
export const workerFaults: readonly Fault[] = [killWorker, freezeWorker, ...blockWorker];
