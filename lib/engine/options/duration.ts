import { LockConfigurationError } from '../../errors/index.js';
import { quote } from '../../errors/quote.js';
import type { Duration } from '../../interfaces/index.js';

const PATTERN = /^(\d+(?:\.\d+)?|\.\d+)(ms|s|m|h)$/;
const MILLISECONDS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

/** The largest bare number taken for seconds; beyond it, it most likely is milliseconds. */
const LARGEST_BARE_NUMBER = 300;

const KNOWN_TEXTS = new Map<unknown, number>();
const MOST_TEXTS = 1000;

interface DurationRules {
  /** What a bare number counts. */
  readonly bareUnit: 's' | 'ms';
  /** The least that makes sense, in milliseconds. */
  readonly minimum: number;
}

/**
 * Checks a length of time that comes as text, from an environment variable say, and gives it the type of one.
 *
 * @param text - a number with its unit: `'250ms'`, `'5s'`, `'2m'`, `'1h'`
 * @throws LockConfigurationError for anything else, a number without a unit included
 *
 * @example
 * LockingModule.forRoot({
 *   providers: [{ resolve: InMemoryLockingProvider, options: { expire: duration(process.env.LOCK_EXPIRE ?? '30s') } }],
 * });
 */
export function duration(text: string): Duration {
  readText(text, 'duration', 's');
  return text as Duration;
}

/**
 * Converts a {@link Duration} into whole milliseconds.
 *
 * @throws LockConfigurationError naming `option` and how to spell what was probably meant.
 */
export function parseDuration(
  value: Duration,
  option: string,
  { bareUnit, minimum }: DurationRules = { bareUnit: 's', minimum: 0 },
): number {
  const milliseconds =
    typeof value === 'number' ? fromNumber(value, option, bareUnit) : readText(value, option, bareUnit);
  if (milliseconds < minimum) {
    throw new LockConfigurationError(
      `${option}: ${describe(value)} is too short; it must be at least ${String(minimum)} ms.`,
    );
  }
  return milliseconds;
}

function fromNumber(value: number, option: string, unit: 's' | 'ms'): number {
  if (!Number.isFinite(value) || value < 0) {
    throw new LockConfigurationError(
      `${option}: ${String(value)} is not a length of time. Give a number of ${unit === 's' ? 'seconds' : 'milliseconds'} from 0 on, or a string with a unit such as '250ms', '5s', '2m' or '1h'.`,
    );
  }
  if (unit === 's' && value > LARGEST_BARE_NUMBER) {
    throw new LockConfigurationError(
      `${option}: a bare number is seconds, and ${String(value)} seconds is more than five minutes. Write '${String(value)}ms' if milliseconds are meant, or '${String(value)}s' if it is really that long.`,
    );
  }
  return Math.round(value * MILLISECONDS[unit]);
}

/** The texts of a program are few, and each call names some of them. */
function readText(value: string, option: string, unit: 's' | 'ms'): number {
  const known = KNOWN_TEXTS.get(value);
  if (known !== undefined) return known;
  const milliseconds = fromText(value, option, unit);
  if (KNOWN_TEXTS.size < MOST_TEXTS) KNOWN_TEXTS.set(value, milliseconds);
  return milliseconds;
}

function fromText(value: unknown, option: string, unit: 's' | 'ms'): number {
  const match = typeof value === 'string' ? PATTERN.exec(value) : null;
  const milliseconds = match ? Math.round(Number(match[1]) * MILLISECONDS[match[2] as 'ms' | 's' | 'm' | 'h']) : NaN;
  if (!Number.isSafeInteger(milliseconds)) {
    throw new LockConfigurationError(
      `${option}: ${describe(value)} is not a length of time. Give a number of ${unit === 's' ? 'seconds' : 'milliseconds'}, or a string with a unit such as '250ms', '5s', '2m' or '1h'${suggestion(value, unit)}.`,
    );
  }
  return milliseconds;
}

function suggestion(value: unknown, unit: 's' | 'ms'): string {
  if (typeof value !== 'string' || !/^\d+(\.\d+)?$/.test(value)) return '';
  return ` (for ${unit === 's' ? 'seconds' : 'milliseconds'}, '${value.slice(0, 40)}${unit}')`;
}

function describe(value: unknown): string {
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' || value === null ? String(value) : typeof value;
}
