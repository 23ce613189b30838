import { Module, type DynamicModule, type FactoryProvider } from '@nestjs/common';
import { LockConfigurationError } from '../../errors/index.js';
import { getLeaderElectionToken } from './inject-leader-election.decorator.js';
import type {
  LeaderElectionOptions,
  LockingFactoryOptions,
  LockingFeatureAsyncOptions,
  LockingFeatureOptions,
} from './leader-election-options.interface.js';
import {
  factoryNotFunction,
  featureNotObject,
  isGlobalNotBoolean,
  leadersNotArray,
  namesNotArray,
  otherNames,
  unknownFeatureOption,
} from './leader-election.messages.js';
import { LeaderElectionModule } from './leader-election.module.js';
import { LeaderElections } from './leader-elections.js';
import { assertElectionName, readLeaderOptions } from './read-leader-options.js';

@Module({})
class LeaderElectionFeature {}

const SYNC = 'LockingModule.forFeature';
const ASYNC = 'LockingModule.forFeatureAsync';

/** @throws LockConfigurationError for options that cannot work */
export function leaderElectionFeature(options: LockingFeatureOptions): DynamicModule {
  assertKnown(SYNC, options, ['leaders', 'isGlobal']);
  const leaders = readLeaders(SYNC, options);
  return feature(
    options.isGlobal,
    leaders.map((leader) => ({
      provide: getLeaderElectionToken(leader.name),
      inject: [LeaderElections],
      useFactory: (elections: LeaderElections) => elections.open(leader),
    })),
  );
}

/** @throws LockConfigurationError for options that cannot work; at start-up for what the factory returned */
export function leaderElectionFeatureAsync(options: LockingFeatureAsyncOptions): DynamicModule {
  assertKnown(ASYNC, options, ['names', 'imports', 'inject', 'useFactory', 'isGlobal']);
  const { names, imports = [], inject = [], useFactory, isGlobal } = options;
  if (!Array.isArray(names)) throw new LockConfigurationError(namesNotArray());
  if (typeof useFactory !== 'function') throw new LockConfigurationError(factoryNotFunction());
  names.forEach(assertElectionName);
  const made = Symbol('what the factory of LockingModule.forFeatureAsync made');
  const providers = (names as readonly string[]).map((name) => ({
    provide: getLeaderElectionToken(name),
    inject: [LeaderElections, made],
    useFactory: (elections: LeaderElections, leaders: readonly LeaderElectionOptions[]) =>
      elections.open(leaders.find((leader) => leader.name === name) ?? { name }),
  }));
  const { providers: own = [], ...module } = feature(isGlobal, providers);
  const factory: FactoryProvider = {
    provide: made,
    inject,
    useFactory: async (...args: unknown[]) => announced(names, await useFactory(...args)),
  };
  return { ...module, imports: [...(module.imports ?? []), ...imports], providers: [factory, ...own] };
}

function feature(isGlobal: boolean | undefined, providers: FactoryProvider[]): DynamicModule {
  return {
    module: LeaderElectionFeature,
    global: isGlobal ?? true,
    imports: [LeaderElectionModule],
    providers,
    exports: providers.map(({ provide }) => provide),
  };
}

function readLeaders(call: string, { leaders }: LockingFactoryOptions): readonly LeaderElectionOptions[] {
  if (!Array.isArray(leaders)) throw new LockConfigurationError(leadersNotArray(call));
  for (const leader of leaders as readonly LeaderElectionOptions[]) readLeaderOptions(leader, 'unnamed');
  return leaders as readonly LeaderElectionOptions[];
}

function announced(names: readonly string[], options: LockingFactoryOptions): readonly LeaderElectionOptions[] {
  assertKnown(ASYNC, options, ['leaders']);
  const leaders = readLeaders(ASYNC, options);
  const [expected, made] = [names, leaders.map(({ name }) => name)].map((each) => [...new Set(each)].sort());
  if (expected?.join('\0') !== made?.join('\0'))
    throw new LockConfigurationError(otherNames(expected ?? [], made ?? []));
  return leaders;
}

function assertKnown(call: string, options: object, known: readonly string[]): void {
  if (typeof options !== 'object' || (options as object | null) === null) {
    throw new LockConfigurationError(featureNotObject(call));
  }
  const unknown = Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownFeatureOption(call, unknown, known));
  const { isGlobal } = options as { isGlobal?: unknown };
  if (isGlobal !== undefined && typeof isGlobal !== 'boolean') {
    throw new LockConfigurationError(isGlobalNotBoolean(call));
  }
}
