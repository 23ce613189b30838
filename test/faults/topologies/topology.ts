import type { Fault } from '../faults/fault.js';
import type { ProviderSetup } from '../worker/orders.js';

/** A way to deploy the store: started for one run, on ports of its own. */
export interface Topology {
  /** As on the command line. */
  readonly name: string;

  /** Whether processes that wait are served in turn. */
  readonly inTurn: boolean;

  /** What it runs on, for the report: `Redis 7.0.15`. */
  readonly versions: readonly string[];

  /** What can happen to it, beside what can happen to workers. */
  readonly faults: readonly Fault[];

  /** Starts it. `workers` is how many there will be at a time. */
  start(workers: number): Promise<void>;

  /** How the worker of this number reaches it. */
  providerFor(worker: number): ProviderSetup;

  /** Whether a client would find it in order now. */
  isReachable(): Promise<boolean>;

  /** What of this package is in it, but for the counters of fencing tokens. */
  leftKeys(): Promise<string[]>;

  /** Ends it, whatever state it is in. */
  stop(): Promise<void>;
}
