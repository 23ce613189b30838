/**
 * Scheduled jobs that one instance runs, once per tick.
 *
 * @module nestjs-locking/schedule
 */
export { LockedCron, type LockedCronOptions } from './locked-cron.decorator.js';
export { LockedInterval } from './locked-interval.decorator.js';
export { OncePerTick, type OncePerTickOptions } from './once-per-tick.service.js';
export { currentTick } from './tick.js';
export type { TickOptions } from './tick-options.interface.js';
