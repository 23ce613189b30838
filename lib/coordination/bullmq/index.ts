/**
 * Queue jobs that wait for their key.
 *
 * @module nestjs-locking/bullmq
 */
export { LockJob } from './lock-job.decorator.js';
export { lockedProcessor, type LockedProcessor, type ProcessUnderLock } from './locked-processor.js';
export type { LockJobKey, LockJobOptions } from './lock-job-options.interface.js';
