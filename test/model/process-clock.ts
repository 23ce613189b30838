import type { Clock, ClockTimer } from '../../lib/engine/runtime/clock.js';
import type { ManualClock } from '../../lib/testing/index.js';

/** Runs everything that is ready. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * The clock of one process: it has a speed of its own, and may freeze. Time then goes on without its timers and
 * answers.
 */
export class ProcessClock implements Clock {
  private readonly late = new Set<() => void>();
  private waking: (() => void)[] = [];
  private isFrozen = false;
  private lastThaw = -Infinity;

  /** @param speed - how much faster this clock runs than that of the store */
  constructor(
    private readonly common: ManualClock,
    private readonly speed: number,
  ) {}

  get frozen(): boolean {
    return this.isFrozen;
  }

  /** On the common clock. */
  get thawedAt(): number {
    return this.lastThaw;
  }

  now(): number {
    return this.common.now() * this.speed;
  }

  leapt(): number {
    return 0;
  }

  epochMicroseconds(): number {
    return this.common.epochMicroseconds();
  }

  setTimer(callback: () => void, milliseconds: number): ClockTimer {
    const run = (): void => {
      if (this.isFrozen) this.late.add(run);
      else callback();
    };
    const timer = this.common.setTimer(run, milliseconds / this.speed);
    return {
      cancel: () => {
        timer.cancel();
        this.late.delete(run);
      },
    };
  }

  freeze(): void {
    this.isFrozen = true;
  }

  /** Runs the timers that have become due, before or after the answers and messages that have arrived. */
  async thaw(first: 'timers' | 'answers'): Promise<void> {
    if (this.isFrozen) this.lastThaw = this.common.now();
    this.isFrozen = false;
    if (first === 'answers') await this.deliver();
    for (const run of this.late) {
      this.late.delete(run);
      run();
      await settled();
    }
    await this.deliver();
  }

  /** Resolves at once, or when the process runs again. */
  async awake(): Promise<void> {
    if (this.isFrozen) await new Promise<void>((resolve) => this.waking.push(resolve));
  }

  private async deliver(): Promise<void> {
    for (const wake of this.waking.splice(0)) wake();
    await settled();
  }
}
