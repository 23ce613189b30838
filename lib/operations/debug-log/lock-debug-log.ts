import { Logger, type OnModuleInit } from '@nestjs/common';
import type { LockEvents } from '../events/lock-events.js';
import { lineOf } from './debug-log.messages.js';

/** Writes what happens to locks into the log of the application, at the level `debug`; ends with the events. */
export class LockDebugLog implements OnModuleInit {
  /** @param isWanted - whether the application has asked for it: Nest's own logger shows `debug` unless told otherwise */
  constructor(
    private readonly events: LockEvents,
    private readonly isWanted: boolean,
  ) {}

  /** Called by Nest. Nothing is listened to where the line would be thrown away. */
  onModuleInit(): void {
    if (!this.isWanted || isOff()) return;
    const logger = new Logger('Locks');
    this.events.on('waited', 'released', 'leader', 'tick', 'job-put-back', 'wake-ups').subscribe((event) => {
      logger.debug(lineOf(event));
    });
  }
}

function isOff(): boolean {
  if (Logger.isLevelEnabled('debug')) return false;
  // Nest 11 says no to every level while none was chosen, and shows all of them unless it has no logger at all.
  const { staticInstanceRef } = Logger as unknown as { readonly staticInstanceRef?: unknown };
  return staticInstanceRef === undefined || Logger.isLevelEnabled('fatal');
}
