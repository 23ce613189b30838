import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { LockingDashboardOptions } from './dashboard-options.interface.js';
import {
  badFlag,
  badGuards,
  badIdentify,
  badMaxViewers,
  badPath,
  noGuards,
  notOptions,
  unknownDashboardOption,
} from './dashboard.messages.js';

/** The options, checked, with every default filled in; the interval in milliseconds. */
export interface DashboardPlan {
  readonly path: string;
  readonly guards: NonNullable<LockingDashboardOptions['guards']>;
  readonly imports: NonNullable<LockingDashboardOptions['imports']>;
  readonly allowRelease: boolean;
  readonly trustProxy: boolean;
  readonly identify: (request: unknown) => string | undefined;
  readonly interval: number;
  readonly maxViewers: number;
}

const NAMES = [
  'path',
  'guards',
  'imports',
  'insecure',
  'allowRelease',
  'trustProxy',
  'identify',
  'interval',
  'maxViewers',
];
const PATH = /^[\w-]+(\/[\w-]+)*$/;
const SHORTEST_INTERVAL = 500;

/** @throws LockConfigurationError for options that cannot work, and for a dashboard that everybody could see */
export function readDashboardOptions(options: LockingDashboardOptions): DashboardPlan {
  if (typeof (options as unknown) !== 'object' || (options as unknown) === null) {
    throw new LockConfigurationError(notOptions());
  }
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownDashboardOption(unknown, NAMES));
  const { path = 'locks', guards = [], imports = [], insecure = false, allowRelease = false } = options;
  const { identify = () => undefined, interval = '2s', maxViewers = 20, trustProxy = false } = options;
  const trimmed = typeof (path as unknown) === 'string' ? path.replace(/^\/|\/$/g, '') : '';
  if (!PATH.test(trimmed)) throw new LockConfigurationError(badPath());
  if (!Array.isArray(guards) || !guards.every(Boolean)) throw new LockConfigurationError(badGuards());
  for (const [name, value] of Object.entries({ insecure, allowRelease, trustProxy })) {
    if (typeof (value as unknown) !== 'boolean') throw new LockConfigurationError(badFlag(name));
  }
  if (guards.length === 0 && !insecure) throw new LockConfigurationError(noGuards());
  if (typeof identify !== 'function') throw new LockConfigurationError(badIdentify());
  if (!Number.isSafeInteger(maxViewers) || maxViewers < 1) throw new LockConfigurationError(badMaxViewers());
  return {
    path: trimmed,
    guards,
    imports,
    allowRelease,
    trustProxy,
    identify,
    interval: parseDuration(interval, 'interval', { bareUnit: 's', minimum: SHORTEST_INTERVAL }),
    maxViewers,
  };
}
