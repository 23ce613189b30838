import type { Clock, ClockTimer } from '../../lib/engine/runtime/clock.js';
import type { ManualClock } from '../../lib/testing/index.js';

/** Lets everything run that is ready to. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/**
 * The common clock as one process has it: at a speed of its own, and it may freeze; time goes on without its timers and
 * its answers.
 */
export class ProcessClock implements Clock {
  private readonly late = new Set<() => void>();
  private waking: (() => void)[] = [];
  private isFrozen = false;
  private lastThaw = -Infinity;

  /** @param speed - how much faster than the store's this clock runs */
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

  /** What has become due meanwhile runs now, before or after the answers and messages that have come. */
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
