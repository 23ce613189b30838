import { randomUUID } from 'node:crypto';
import { AsyncLocalStorage } from 'node:async_hooks';
import { asKeyTemplate } from '../../engine/options/call-options.js';
import { escapeValue } from '../../key-templates/escape-value.js';
import type { TickSettings } from './read-tick-options.js';

/** One run of a job that is due. */
export interface Tick {
  readonly kind: 'cron' | 'interval';
  readonly name: string;
  /** When it is due, in milliseconds since the epoch. */
  readonly at: number;
  /** So long after that it may be begun, in milliseconds. */
  readonly mayBeLate: number;
}

const running = new AsyncLocalStorage<Tick>();

/** Runs `work` such that what it calls can ask for {@link currentTick}. */
export function runInTick<T>(tick: Tick, work: () => T): T {
  return running.run(tick, work);
}

/**
 * The time that the running tick was due at, which is the same on every instance and for every attempt to run it: good
 * for "the report of the hour before" and as a key of idempotence. `undefined` outside of a tick.
 *
 * @example
 * \@LockedCron('0 * * * *', { name: 'hourly-report' })
 * async report(): Promise<void> {
 *   await this.reports.writeFor(currentTick());
 * }
 */
export function currentTick(): Date | undefined {
  const tick = running.getStore();
  return tick && new Date(tick.at);
}

/** Held by the instance that runs this tick, and kept for it for a while after the run. */
export function keyOfTick(tick: Tick): string {
  return `${keyOfRun(tick)}@${new Date(tick.at).toISOString()}`;
}

/** Held for as long as any tick of the job runs. */
export function keyOfRun({ kind, name }: Tick): string {
  // Never the key of a tick of another job: that has the colons of a time, which no escaped name has.
  return `${kind}:${escapeValue(name)}`;
}

/** What the locks of a job are called in metrics: one text for all of its ticks. */
export function templateOfTick(tick: Tick): string {
  return asKeyTemplate(`${keyOfRun(tick)}@<time>`);
}

/** The same for the lock of its runs. */
export function templateOfRun(tick: Tick): string {
  return asKeyTemplate(keyOfRun(tick));
}

/**
 * Under which a run of this tick holds the key of the job, so that others see which tick that is. A different one for
 * each run: two runs must not be the same owner.
 */
export function ownerOfRun(tick: Tick): string {
  return `${keyOfTick(tick)}/${randomUUID()}`;
}

/** Whether `ownerId`, the owner of the key of a job, is a run of this very tick. */
export function isRunOf(tick: Tick, ownerId: string): boolean {
  return ownerId.startsWith(`${keyOfTick(tick)}/`);
}

/**
 * How long a tick that was run stays marked, in milliseconds. The last instance comes `mayBeLate` by its own clock,
 * which is `clockSkew` behind; it then sees, after waiting for as long as `expire`, that the mark lasts longer than a lease.
 */
export function retentionOf({ mayBeLate }: Tick, { clockSkew, expire }: TickSettings): number {
  return mayBeLate + clockSkew + 2 * expire + 1000;
}
