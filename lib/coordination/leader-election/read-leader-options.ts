import { parseDuration } from '../../engine/options/duration.js';
import { isLockConfigurationError, LockConfigurationError } from '../../errors/index.js';
import type { Duration } from '../../interfaces/index.js';
import { normalizeProviderId } from '../../module/read-module-options.js';
import { LONGEST_TIMER } from '../pause.js';
import type { LeaderElectionOptions } from './leader-election-options.interface.js';
import {
  inElection,
  leaderNotObject,
  lengthTooLong,
  providerNotString,
  timeoutTooShort,
  unknownLeaderOption,
  unusableText,
} from './leader-election.messages.js';

/** An election as it is to be held: checked, with every default filled in, lengths of time in milliseconds. */
export interface ElectionPlan {
  readonly name: string;
  readonly instanceId: string;
  readonly heartbeatInterval: number;
  readonly leaderTimeout: number;
  /** `undefined` for the default provider. */
  readonly provider: string | undefined;
}

const NAMES = ['name', 'heartbeatInterval', 'leaderTimeout', 'instanceId', 'provider'];
const LONGEST_TEXT = 256;
const LONE_SURROGATE = /\p{Cs}/u;
const DEFAULT_HEARTBEAT: Duration = '5s';
const DEFAULT_TIMEOUT: Duration = '15s';

/**
 * @param instanceId - of this application, where the election has none of its own
 * @throws LockConfigurationError naming the election, the option and the remedy
 */
export function readLeaderOptions(options: LeaderElectionOptions, instanceId: string): ElectionPlan {
  if (!isObject(options)) throw new LockConfigurationError(leaderNotObject());
  assertElectionName(options.name);
  try {
    return read(options, instanceId);
  } catch (error) {
    if (!isLockConfigurationError(error)) throw error;
    throw new LockConfigurationError(inElection(options.name, error.message));
  }
}

/** @throws LockConfigurationError for anything but a name */
export function assertElectionName(name: unknown): asserts name is string {
  assertText(name, 'name');
}

function read({ name, ...options }: LeaderElectionOptions, ownInstanceId: string): ElectionPlan {
  const unknown = Object.keys(options).find((key) => !NAMES.includes(key));
  if (unknown !== undefined) throw new LockConfigurationError(unknownLeaderOption(unknown, NAMES));
  const { instanceId = ownInstanceId, provider } = options;
  assertText(instanceId, 'instanceId');
  if (provider !== undefined && typeof provider !== 'string') throw new LockConfigurationError(providerNotString());
  const heartbeatInterval = readLength(options.heartbeatInterval ?? DEFAULT_HEARTBEAT, 'heartbeatInterval');
  const leaderTimeout = readLength(options.leaderTimeout ?? DEFAULT_TIMEOUT, 'leaderTimeout');
  if (leaderTimeout < 2 * heartbeatInterval) {
    throw new LockConfigurationError(timeoutTooShort(heartbeatInterval, leaderTimeout));
  }
  return {
    name,
    instanceId,
    heartbeatInterval,
    leaderTimeout,
    provider: provider === undefined ? undefined : normalizeProviderId(provider),
  };
}

function readLength(value: Duration, option: string): number {
  const milliseconds = parseDuration(value, option, { bareUnit: 's', minimum: 1 });
  if (milliseconds > LONGEST_TIMER) throw new LockConfigurationError(lengthTooLong(option, milliseconds));
  return milliseconds;
}

function assertText(value: unknown, option: string): asserts value is string {
  const usable = typeof value === 'string' && value !== '' && value.length <= LONGEST_TEXT;
  if (!usable || LONE_SURROGATE.test(value)) throw new LockConfigurationError(unusableText(option, LONGEST_TEXT));
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}
