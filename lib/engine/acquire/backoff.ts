import type { BackoffSettings } from '../options/engine-settings.js';

/**
 * Exponential backoff with full jitter, after Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog):
 * each wait is drawn evenly from between almost nothing and a ceiling that grows, so that callers who were refused
 * together do not come back together.
 */
export class Backoff {
  private ceiling: number;

  constructor(
    private readonly settings: BackoffSettings,
    private readonly random: () => number = Math.random,
  ) {
    this.ceiling = settings.initial;
  }

  /** The next wait in milliseconds, at least 1. */
  next(): number {
    const wait = Math.max(1, Math.round(this.random() * this.ceiling));
    this.ceiling = Math.min(this.ceiling * this.settings.factor, this.settings.maximum);
    return wait;
  }
}
