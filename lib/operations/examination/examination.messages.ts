import type { Finding } from '../../provider-api/operable-store.js';
import { formatDuration } from './format-duration.js';

/** What a look at the clock of a store says. */
export const clockFindings = {
  roundTrip: (milliseconds: number): Finding => ({
    level: 'ok',
    subject: 'round trip',
    message: formatDuration(milliseconds),
  }),

  slow: (milliseconds: number): Finding => ({
    level: 'warning',
    subject: 'round trip',
    message: `the store takes ${formatDuration(milliseconds)} for an answer, and a lock costs two of them`,
    remedy: 'Look at the load of the server, and run the store near the application.',
  }),

  clock: (): Finding => ({ level: 'ok', subject: 'clock', message: 'the store has the time of this machine' }),

  clockOff: (milliseconds: number): Finding => ({
    level: 'warning',
    subject: 'clock',
    message: `the clock of the store is ${formatDuration(Math.abs(milliseconds))} ${milliseconds > 0 ? 'ahead of' : 'behind'} that of this machine`,
    remedy: 'Run NTP on both. Leases do not suffer, but fencing tokens after a failover and cron ticks go by clocks.',
    health: 'degraded',
  }),

  noClock: (): Finding => ({ level: 'note', subject: 'clock', message: 'no server of the store tells the time' }),
};
