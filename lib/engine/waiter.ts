import type { Clock, ClockTimer } from './clock.js';

/** Why a wait is over before the lock was had. */
export type WaitEnd = { readonly reason: 'timeout' } | { readonly reason: 'error'; readonly error: unknown };

/** What came of a promise, or of waiting for it. */
export type Settled<T> = { readonly value: T } | { readonly error: unknown } | { readonly end: WaitEnd };

/** One caller in line for its keys: it sleeps until woken, and one deadline or signal ends it for good. */
export class Waiter {
  end?: WaitEnd;

  /** Whether the store has ever told it that somebody else holds a key. */
  answered = false;

  /** What the store last failed with, after it had answered before. */
  failure?: unknown;

  private woken = false;
  private resume?: () => void;
  private deadline?: ClockTimer;
  private stopListening?: () => void;

  constructor(
    readonly keys: readonly string[],
    private readonly clock: Clock,
  ) {}

  endAfter(milliseconds: number): void {
    const deadline = this.clock.now() + milliseconds;
    const arm = (): void => {
      const left = deadline - this.clock.now();
      if (left <= 0) {
        this.finish({ reason: 'timeout' });
        return;
      }
      this.deadline = this.clock.setTimer(arm, left, true);
    };
    arm();
  }

  endOn(signal: AbortSignal): void {
    const onAbort = (): void => {
      this.finish({ reason: 'error', error: signal.reason });
    };
    signal.addEventListener('abort', onAbort, { once: true });
    this.stopListening = () => {
      signal.removeEventListener('abort', onAbort);
    };
  }

  finish(end: WaitEnd): void {
    this.end ??= end;
    this.resume?.();
  }

  /** Something has changed: look again. A wake-up while it is not asleep counts for the next sleep. */
  wake(): void {
    this.woken = true;
    this.resume?.();
  }

  /** From here on only what happens later wakes it. */
  forgetWakeUps(): void {
    this.woken = false;
  }

  /** Sleeps until woken, ended, or for `milliseconds`. Resolves with whether that time has passed. */
  async sleep(milliseconds: number | undefined): Promise<boolean> {
    if (this.woken || this.end) return false;
    return new Promise((resolve) => {
      const timer =
        milliseconds === undefined
          ? undefined
          : this.clock.setTimer(
              () => {
                this.resume = undefined;
                resolve(true);
              },
              milliseconds,
              true,
            );
      this.resume = () => {
        this.resume = undefined;
        timer?.cancel();
        resolve(false);
      };
    });
  }

  /** Waits for `promise`, but no longer than this waiter may. Never rejects. */
  async settle<T>(promise: Promise<T>): Promise<Settled<T>> {
    return new Promise((resolve) => {
      if (this.end) resolve({ end: this.end });
      this.resume = () => {
        if (this.end) resolve({ end: this.end });
      };
      promise.then(
        (value) => {
          resolve({ value });
        },
        (error: unknown) => {
          resolve({ error });
        },
      );
    });
  }

  /** No timer and no listener is left behind. */
  dispose(): void {
    this.deadline?.cancel();
    this.stopListening?.();
    this.resume = undefined;
  }
}
