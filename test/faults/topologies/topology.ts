import type { Fault } from '../faults/fault.js';
import type { ProviderSetup } from '../worker/orders.js';

/** A way to deploy the store: started for one run, on ports of its own. */
export interface Topology {
  /** The name on the command line. */
  readonly name: string;

  /** Whether waiting processes are served in turn. */
  readonly inTurn: boolean;

  /** Whether the store keeps records; it does unless it says otherwise. */
  readonly keepsRecords?: boolean;

  /** How many grants in a row a process may make while another one waits, where that is not 32. */
  readonly cohortGrants?: number;

  /** The versions of its servers, for the report: `Redis 7.0.15`. */
  readonly versions: readonly string[];

  /** Its faults, beside those of workers. */
  readonly faults: readonly Fault[];

  /** Starts it, for `workers` workers at a time. */
  start(workers: number): Promise<void>;

  /** The provider of the worker with this number. */
  providerFor(worker: number): ProviderSetup;

  /** Whether it works for clients now. */
  isReachable(): Promise<boolean>;

  /** The keys of this package in it, without the token counters. */
  leftKeys(): Promise<string[]>;

  /** Ends it, in any state. */
  stop(): Promise<void>;
}
