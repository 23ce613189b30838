/** The part that is used of a `CronTime` of the `cron` package, which `@nestjs/schedule` brings. */
export interface CronTimeLike {
  /** A single date instead of an expression; `source` then is that date. */
  readonly realDate: boolean;
  readonly source: unknown;
  readonly timeZone?: string;
  readonly utcOffset?: number;
  getNextDateFrom(start: Date, timeZone?: string): { toMillis(): number };
}

/** A fire comes after its tick, but for a clock that was set back meanwhile; so little before one it belongs to that. */
const MOST_EARLY = 1000;
const EARLY_SHARE = 10;

const FIRST_LOOK_BACK = 2000;
const LOOK_BACK_GROWTH = 8;
const LONGEST_LOOK_BACK = 10 * 366 * 24 * 3_600_000;

/**
 * The time that a job was to run at, given that it is run at `now`: the same on every instance, whatever the delay of
 * its timer. Milliseconds since the epoch, as `now`.
 */
export function nominalTick(cronTime: CronTimeLike, now: number): number {
  if (cronTime.realDate) return (cronTime.source as { toMillis(): number }).toMillis();
  const zone = zoneOf(cronTime);
  const nextAfter = (time: number): number => cronTime.getNextDateFrom(new Date(time), zone).toMillis();
  const upcoming = nextAfter(now);
  const latest = latestUntil(now, nextAfter);
  if (latest === undefined) return upcoming;
  const tolerance = Math.min(MOST_EARLY, (upcoming - latest) / EARLY_SHARE);
  return upcoming - now < tolerance ? upcoming : latest;
}

/** The window of an interval that `now` is in, counted from the epoch. */
export function windowStart(every: number, now: number): number {
  return Math.floor(now / every) * every;
}

/** There is no asking backwards, so: from before it, with the distance growing, and then by halves. */
function latestUntil(now: number, nextAfter: (time: number) => number): number | undefined {
  for (let back = FIRST_LOOK_BACK; back <= LONGEST_LOOK_BACK; back *= LOOK_BACK_GROWTH) {
    let latest = nextAfter(now - back);
    if (latest > now) continue;
    let end = now;
    // Ticks are whole seconds.
    while (end - latest >= 1000) {
      const middle = latest + (end - latest) / 2;
      const next = nextAfter(middle);
      if (next <= now) latest = next;
      else end = middle;
    }
    return latest;
  }
  return undefined;
}

/** As `cron` itself spells it. */
function zoneOf({ timeZone, utcOffset }: CronTimeLike): string | undefined {
  if (utcOffset === undefined) return timeZone;
  const hours = Math.trunc(utcOffset / 60);
  const minutes = Math.abs(utcOffset - hours * 60);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `UTC${utcOffset < 0 ? '-' : '+'}${two(Math.abs(hours))}:${two(minutes)}`;
}
