import { Injectable, type Type } from '@nestjs/common';
import { LockingService, type Lock } from '../../../../lib/index.js';
import { currentTick, LockedCron, type LockedCronOptions } from '../../../../lib/coordination/schedule/index.js';

/** A run of a tick, in any instance. */
export interface Run {
  readonly instance: unknown;
  readonly lock: Lock | undefined;
  readonly tick: number | undefined;
}

export interface Job {
  /** The call that the scheduler makes when the tick is due. */
  report(...args: unknown[]): Promise<unknown>;
}

/** A class whose one tick is due at `due`, and which runs only when a test calls it. */
export function reportDueAt(
  due: number,
  runs: Run[],
  work: (run: Run, ...args: unknown[]) => unknown = () => undefined,
  options: Partial<LockedCronOptions> = {},
): Type<Job> {
  @Injectable()
  class Report implements Job {
    constructor(private readonly locking: LockingService) {}

    @LockedCron(new Date(due), { name: 'report', disabled: true, ...(options as object) })
    async report(...args: unknown[]): Promise<unknown> {
      const run = { instance: this, lock: this.locking.current(), tick: currentTick()?.getTime() };
      runs.push(run);
      return work(run, ...args);
    }
  }
  return Report;
}

export const keyOf = (due: number): string => `cron:report@${new Date(due).toISOString()}`;
