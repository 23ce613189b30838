import { setImmediate } from '../../engine/runtime/real-queues.js';

/**
 * Calls `act` when what has come over any connection by now is read. For the ends of time limits: a process that was
 * busy for long finds its timers due before it has seen the answers that came in time.
 */
export function afterReading(act: () => void): void {
  setImmediate(() => setImmediate(act));
}
