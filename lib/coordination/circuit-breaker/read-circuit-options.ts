import { createHash } from 'node:crypto';
import { parseDuration } from '../../engine/options/duration.js';
import { isWellFormed } from '../../engine/options/well-formed.js';
import { LockConfigurationError, LockKeyError } from '../../errors/index.js';
import type { CircuitBreakerOptions, CircuitState } from './circuit-breaker.interface.js';
import {
  countNotUsable,
  functionExpected,
  nameNotUsable,
  nameTooLong,
  ratioNotUsable,
  stateNotUsable,
  unknownOption,
} from './circuit-breaker.messages.js';

/** The options of a circuit, checked; lengths of time in milliseconds. */
export interface CircuitSettings {
  readonly failureRatio: number;
  readonly minimumCalls: number;
  readonly window: number;
  readonly openFor: number;
  readonly minInstances: number;
  readonly probeTimeout: number;
}

const DEFAULTS: Required<Omit<CircuitBreakerOptions, 'provider'>> = {
  failureRatio: 0.5,
  minimumCalls: 10,
  window: '30s',
  openFor: '30s',
  minInstances: 2,
  probeTimeout: '30s',
};

const MOST_CALLS = 1_000_000;

/** The record of a circuit names every instance that reports. */
const MOST_INSTANCES = 100;

/** Ten slots of it are counted apart. */
const SHORTEST_WINDOW = 100;

/** In bytes. */
const LONGEST_NAME = 65_000;

/** The longest name that becomes part of the name of a record as it is, in bytes. */
const LONGEST_RECORD_NAME = 900;

const STATES: readonly string[] = ['closed', 'open', 'half-open'] satisfies CircuitState[];

const KNOWN: readonly string[] = [...Object.keys(DEFAULTS), 'provider', 'isFailure', 'fallback', 'for'];

/**
 * @param allowed - options that are none of the circuit itself, but are possible here
 * @returns the settings; `undefined` where no option of the circuit is given
 * @throws LockConfigurationError for options that cannot work
 */
export function readCircuitOptions(
  options: CircuitBreakerOptions,
  allowed: readonly ('isFailure' | 'fallback' | 'for')[] = [],
): CircuitSettings | undefined {
  for (const name of Object.keys(options)) {
    const isExtra = name === 'isFailure' || name === 'fallback' || name === 'for';
    if (!KNOWN.includes(name) || (isExtra && !allowed.includes(name))) {
      throw new LockConfigurationError(unknownOption(name, [...Object.keys(DEFAULTS), 'provider', ...allowed]));
    }
  }
  const settings = toSettings(options);
  const isGiven = Object.keys(DEFAULTS).some((name) => options[name as keyof CircuitBreakerOptions] !== undefined);
  return isGiven ? settings : undefined;
}

export function defaultSettings(): CircuitSettings {
  return toSettings({});
}

/** @throws LockConfigurationError for anything but a function or `undefined` */
export function assertFunction(value: unknown, option: string): void {
  if (value !== undefined && typeof value !== 'function') throw new LockConfigurationError(functionExpected(option));
}

/** @throws LockConfigurationError for anything but a state */
export function assertState(state: unknown): asserts state is CircuitState {
  if (typeof state !== 'string' || !STATES.includes(state)) throw new LockConfigurationError(stateNotUsable(state));
}

/** @throws LockKeyError for a name that no circuit can have */
export function assertCircuitName(name: unknown): asserts name is string {
  if (typeof name !== 'string' || name === '' || !isWellFormed(name) || name.includes('\0')) {
    throw new LockKeyError(nameNotUsable(name));
  }
  const bytes = Buffer.byteLength(name);
  if (bytes > LONGEST_NAME) throw new LockKeyError(nameTooLong(name, bytes, LONGEST_NAME), [name]);
}

/** The record that all instances share. */
export function recordOf(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST_RECORD_NAME) return `circuit-breaker/${name}`;
  return `circuit-breaker/sha256:${createHash('sha256').update(name).digest('hex')}`;
}

/** The key that the instance holds whose call is the probe. */
export function probeKeyOf(name: string): string {
  return `circuit-breaker:${name}`;
}

/** The key that an instance holds while it changes the record after others have come first. */
export function turnKeyOf(name: string): string {
  return `circuit-breaker/${name}`;
}

function toSettings(options: CircuitBreakerOptions): CircuitSettings {
  const { failureRatio, minimumCalls, window, openFor, minInstances, probeTimeout } = withDefaults(options);
  if (typeof failureRatio !== 'number' || !(failureRatio > 0 && failureRatio <= 1)) {
    throw new LockConfigurationError(ratioNotUsable(failureRatio));
  }
  assertCount(minimumCalls, 'minimumCalls', MOST_CALLS);
  assertCount(minInstances, 'minInstances', MOST_INSTANCES);
  const atLeast = (minimum: number) => ({ bareUnit: 's', minimum }) as const;
  return {
    failureRatio,
    minimumCalls,
    minInstances,
    window: parseDuration(window, 'window', atLeast(SHORTEST_WINDOW)),
    openFor: parseDuration(openFor, 'openFor', atLeast(1)),
    probeTimeout: parseDuration(probeTimeout, 'probeTimeout', atLeast(1)),
  };
}

function withDefaults(options: CircuitBreakerOptions): typeof DEFAULTS {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...(Object.fromEntries(given) as Partial<typeof DEFAULTS>) };
}

function assertCount(value: unknown, option: string, most: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < 1 || (value as number) > most) {
    throw new LockConfigurationError(countNotUsable(option, value, most));
  }
}
