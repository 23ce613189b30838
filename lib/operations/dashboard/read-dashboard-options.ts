import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import { LOCAL_HOSTS } from './host-guard.js';
import type { LockingDashboardOptions } from './dashboard-options.interface.js';
import {
  badAllowedHosts,
  badFlag,
  badGuards,
  badIdentify,
  badMaxViewers,
  badPath,
  noGuards,
  notOptions,
  unknownDashboardOption,
} from './dashboard.messages.js';

/** The options, checked, with every default filled in; lengths of time in milliseconds. */
export interface DashboardPlan {
  readonly path: string;
  readonly guards: NonNullable<LockingDashboardOptions['guards']>;
  readonly imports: NonNullable<LockingDashboardOptions['imports']>;
  readonly allowRelease: boolean;
  /** `true` for every name. */
  readonly allowedHosts: readonly string[] | true;
  readonly trustProxy: boolean;
  readonly identify: NonNullable<LockingDashboardOptions['identify']>;
  readonly interval: number;
  readonly recheck: number;
  readonly maxViewers: number;
}

const NAMES = [
  'path',
  'guards',
  'imports',
  'insecure',
  'allowRelease',
  'allowedHosts',
  'trustProxy',
  'identify',
  'interval',
  'recheck',
  'maxViewers',
];
const PATH = /^[\w-]+(\/[\w-]+)*$/;
const SHORTEST_INTERVAL = 500;
const SHORTEST_RECHECK = 1000;

/** A name, one of an IPv6 address in brackets, or all below a name. */
const HOST = /^(?:\.?[a-z\d_-]+(?:\.[a-z\d_-]+)*|\[[\da-f:.]+\])$/i;

/** @throws LockConfigurationError for options that cannot work, and for a dashboard that everybody could see */
export function readDashboardOptions(options: LockingDashboardOptions): DashboardPlan {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null) {
    throw new LockConfigurationError(notOptions());
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownDashboardOption(unknown, NAMES));
  const { path = 'locks', guards = [], imports = [], insecure = false, allowRelease = false } = options;
  const { identify = () => undefined, interval = '2s', recheck = '1m', maxViewers = 20 } = options;
  const { trustProxy = false, allowedHosts = insecure ? LOCAL_HOSTS : true } = options;
  const trimmed = typeof (path as unknown) === 'string' ? path.replace(/^\/|\/$/g, '') : '';
  if (!PATH.test(trimmed)) throw new LockConfigurationError(badPath());
  if (!Array.isArray(guards) || !guards.every(Boolean)) throw new LockConfigurationError(badGuards());
  for (const [name, value] of Object.entries({ insecure, allowRelease, trustProxy })) {
    if (typeof (value as unknown) !== 'boolean') throw new LockConfigurationError(badFlag(name));
  }
  if (guards.length === 0 && !insecure) throw new LockConfigurationError(noGuards());
  if (allowedHosts !== true && !(isArray(allowedHosts) && allowedHosts.length > 0 && allowedHosts.every(isHost))) {
    throw new LockConfigurationError(badAllowedHosts());
  }
  if (typeof identify !== 'function') throw new LockConfigurationError(badIdentify());
  if (!Number.isSafeInteger(maxViewers) || maxViewers < 1) throw new LockConfigurationError(badMaxViewers());
  return {
    path: trimmed,
    guards,
    imports,
    allowRelease,
    allowedHosts,
    trustProxy,
    identify,
    interval: parseDuration(interval, 'interval', { bareUnit: 's', minimum: SHORTEST_INTERVAL }),
    recheck: parseDuration(recheck, 'recheck', { bareUnit: 's', minimum: SHORTEST_RECHECK }),
    maxViewers,
  };
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isHost(value: unknown): boolean {
  return typeof value === 'string' && HOST.test(value);
}
