import type { SchedulerRegistry } from '@nestjs/schedule';
import { createRequire } from 'node:module';

type Job = ReturnType<SchedulerRegistry['getCronJob']>;
type Time = Job['cronTime'];

interface Cron {
  readonly CronJob: new (cronTime: string | Date, onTick: () => unknown) => Job;
  readonly CronTime: new (source: string | Date, timeZone?: string | null, utcOffset?: number) => Time;
}

const schedule = createRequire(import.meta.url).resolve('@nestjs/schedule');

/** The copy of `cron` that `@nestjs/schedule` depends on; this package does not depend on it. */
export const { CronJob, CronTime } = createRequire(schedule)('cron') as Cron;

export type CronTime = Time;
