import { Logger, type BeforeApplicationShutdown } from '@nestjs/common';
import type { LockingRegistry } from '../module/locking.registry.js';
import { ELSEWHERE } from './locking-test-control.js';
import type { ManualClock } from './manual-clock.js';
import { movesClockItself } from './testing.messages.js';

/** How long a clock may stand still during a drain, in real milliseconds. */
const STANDSTILL = 1000;

/** By how many seconds the clock is moved at a time: what renews and expires on the way does so in its order. */
const STEP = 1;

/** As it is when the library is loaded: a test that fakes timers is not to hold up the end of its application. */
const { setTimeout, clearTimeout } = globalThis;

/**
 * Ends the drain of an application under test whose clock stands still: a job that never ends would hold up
 * `app.close()` for ever, as `drainTimeout` runs on that clock. A test that moves the clock itself is left alone.
 */
export class DrainInRealTime implements BeforeApplicationShutdown {
  private readonly logger = new Logger('LockingTestingModule');
  private over = false;

  constructor(
    private readonly clock: ManualClock,
    private readonly registry: LockingRegistry,
    private readonly providers: readonly string[],
  ) {}

  /** Called by Nest before the hook of the module, which joins this drain. */
  async beforeApplicationShutdown(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const watch = (seen: number): void => {
      timer = setTimeout(() => {
        const now = this.clock.now();
        if (now === seen) void this.moveClock();
        else watch(now);
      }, STANDSTILL);
    };
    watch(this.clock.now());
    try {
      await this.registry.drain();
    } finally {
      this.over = true;
      clearTimeout(timer);
    }
  }

  private async moveClock(): Promise<void> {
    this.logger.warn(movesClockItself(await this.heldKeys(), STANDSTILL));
    while (!this.over) await this.clock.advance(STEP);
  }

  private async heldKeys(): Promise<string[]> {
    const keys: string[] = [];
    for (const id of this.providers) {
      for await (const { key, ownerId } of this.registry.engine(id).overview.list(undefined)) {
        if (!ownerId.startsWith(ELSEWHERE)) keys.push(key);
      }
    }
    return keys;
  }
}
