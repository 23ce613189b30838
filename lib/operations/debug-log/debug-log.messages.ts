import type { LockSubject } from '../../diagnostics/messages.interface.js';
import { showKeys } from '../../engine/engine.messages.js';
import { quote } from '../../errors/quote.js';
import type { LockEvent } from '../events/lock-event.interface.js';

/** What the debug log tells of. */
export type LoggedEvent = LockEvent<'waited' | 'released' | 'leader' | 'tick' | 'job-put-back' | 'wake-ups'>;

/** One line for people. What comes from outside is quoted, so that it cannot forge another line. */
export function lineOf(event: LoggedEvent): string {
  return `${tell(event)} [${event.provider}]`;
}

function tell(event: LoggedEvent): string {
  switch (event.type) {
    case 'waited': {
      const after = `after ${time(event.waited)}`;
      if (event.outcome !== 'acquired') return `not acquired: ${subject(event)} ${after}, ${String(event.outcome)}`;
      const { fencingToken = 0, ownerId = '' } = event;
      return `acquired: ${subject(event)} ${after}, token ${String(fencingToken)}, owner ${quote(ownerId)}`;
    }
    case 'released': {
      const { outcome = 'released', held, fencingToken } = event;
      const what = outcome === 'released' || outcome === 'revoked' ? outcome : `lost (${outcome})`;
      return `${what}: ${subject(event)} after ${time(held)}, token ${String(fencingToken)}`;
    }
    case 'leader':
      return `${event.role} of the election ${quote(event.election)}: ${quote(event.instanceId)}, token ${String(event.fencingToken)}`;
    case 'tick':
      return `tick of the ${event.kind} ${quote(event.name)}, due at ${event.at.toISOString()}: ${event.outcome}`;
    case 'job-put-back':
      return `job ${quote(event.jobId ?? event.jobName)} of the queue ${quote(event.queue)} put back for ${time(event.delay)}: ${event.reason}, ${event.outcome}`;
    case 'wake-ups':
      return `wake-ups ${event.status}`;
  }
}

function subject({ keys, keyTemplate }: LockSubject): string {
  return keyTemplate === undefined ? showKeys(keys) : `${showKeys(keys)} (${quote(keyTemplate)})`;
}

const time = (milliseconds = 0): string => `${String(Math.round(milliseconds))} ms`;
