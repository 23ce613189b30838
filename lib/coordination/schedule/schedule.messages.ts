import { quote } from '../../errors/quote.js';

export const nameMissing = (what: string): string =>
  `${what}: a name is required, such as { name: 'nightly-report' }: instances tell by it that they mean the same job.`;

export const everyMissing = (what: string, given: unknown): string =>
  `${what}: ${String(given)} is not a length of time. Give whole milliseconds from 1 to 2147483647, such as 60_000.`;

export const notBoolean = (what: string, option: string): string => `${what}: ${option} must be true or false.`;

export const maxHoldWithOverlap = (what: string): string =>
  `${what}: maxHold has no effect with allowOverlap: true, as no run keeps another from running. Leave one of them out.`;

export const providerNotId = (what: string): string =>
  `${what}: provider must be the id of a lock provider, such as 'locking-redis'.`;

export const repeatedName = (what: string, name: string, first: string, second: string): string =>
  `${what}: ${first} and ${second} both have the name ${quote(name)}, and only one of them would run. Give each a name of its own.`;

export const notScheduled = (name: string): string =>
  `OncePerTick: there is no cron job ${quote(name)} in the SchedulerRegistry. Add it there under this name, or pass { job }, or { every } for an interval.`;

export const leaderOnlyBelow = (what: string, method: string): string =>
  `${what} on ${method}: @LeaderOnly stands below it, so a tick would be lost whenever another instance than the leader comes first. Leave out @LeaderOnly, as ${what} runs once per tick by itself; or put it above, or use it with @Cron or @Interval.`;

export const noSuchJob = (what: string, name: string): string =>
  `A method with ${what} was called, and there is no cron job ${quote(name)} in the SchedulerRegistry that would tell which tick it is: it was deleted there, the application has not started or is shutting down, or ScheduleModule was imported with cronJobs: false.`;

export const bothKinds = (): string => 'OncePerTick: give either job or every, not both.';

export const workNotFunction = (): string => 'OncePerTick: the work must be a function.';

export const notInjected = (what: string): string =>
  `A method with ${what} was called on an object that Nest has not made. Get the instance from Nest (as a provider or controller), and call the method on it, so that "this" is right; and import LockingModule.forRoot() and ScheduleModule.forRoot() into the root module.`;

export const tooLate = (tick: string, late: number): string =>
  `${tick} was not run here: its timer fired ${String(late)} ms late. Nobody could tell any more whether another instance has run it. Raise clockSkew if that is to be allowed`;

export const overlaps = (tick: string): string => `${tick} is left out: an earlier tick is still running`;

export const takingOver = (tick: string): string =>
  `${tick} is run again: the instance that ran it has died or lost its lock`;

export const freedEarly = (tick: string): string =>
  `${tick} is run again: its key was free before the lease of the instance that ran it could have expired, and no instance says that the tick is done. Either the store has lost its data (a restart without persistence, a failover, FLUSHALL), or that instance has given its locks up in a shutdown, or the key was released by force`;

export const standByFailed = (tick: string, why: string): string =>
  `Standing by for ${tick}, the store could not be asked: ${why}`;
