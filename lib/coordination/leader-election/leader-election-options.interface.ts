import type { InjectionToken, ModuleMetadata, OptionalFactoryDependency } from '@nestjs/common';
import type { Duration } from '../../interfaces/index.js';

/** One leader election, as `LockingModule.forFeature` is told of it. */
export interface LeaderElectionOptions {
  /** The name of the election. All instances with the same name, on the same store and namespace, elect one leader among them. */
  name: string;

  /**
   * How often an instance renews what it holds, at least: its leadership, and the sign that it is there. A third of
   * `leaderTimeout` where that is sooner. At most half of `leaderTimeout`. A number is seconds.
   *
   * @defaultValue '5s'
   */
  heartbeatInterval?: Duration | undefined;

  /**
   * The lease of the leadership: after so long without a renewal the leader no longer trusts it, and another instance
   * may lead. It is what a crash costs, and the longest that a step-down waits for work that is under way. A number is
   * seconds.
   *
   * @defaultValue '15s'
   */
  leaderTimeout?: Duration | undefined;

  /**
   * The name of this instance, for people: see `leaderId()` and `instances()`. Two that are given the same by mistake
   * exclude each other all the same.
   *
   * @defaultValue host name, process id and a few random characters
   */
  instanceId?: string | undefined;

  /**
   * The id of the provider on whose store the election is held; `locking-redis` and `lp_locking-redis` mean the same.
   *
   * @defaultValue the default provider
   */
  provider?: string | undefined;
}

/** Options of `LockingModule.forFeature`. */
export interface LockingFeatureOptions {
  /** The leader elections that this application takes part in. */
  leaders: readonly LeaderElectionOptions[];

  /**
   * Whether `@InjectLeaderElection` finds them in every module, or only in those that import this one.
   *
   * @defaultValue true
   */
  isGlobal?: boolean | undefined;
}

/** Options of `LockingModule.forFeatureAsync`. */
export interface LockingFeatureAsyncOptions extends Pick<ModuleMetadata, 'imports'> {
  /** The names of the elections that the factory configures: Nest has to know them before it can run the factory. */
  names: readonly string[];

  /** What the factory is given. */
  inject?: (InjectionToken | OptionalFactoryDependency)[] | undefined;

  /** Makes the options: one entry of `leaders` for each of `names`. */
  // Its parameters are what `inject` names; Nest types its own factories so, too.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  useFactory: (...args: any[]) => LockingFactoryOptions | Promise<LockingFactoryOptions>;

  /**
   * Whether `@InjectLeaderElection` finds them in every module, or only in those that import this one.
   *
   * @defaultValue true
   */
  isGlobal?: boolean | undefined;
}

/** What the factory of `LockingModule.forFeatureAsync` returns. */
export type LockingFactoryOptions = Omit<LockingFeatureOptions, 'isGlobal'>;
