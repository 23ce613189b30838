import type { LockingProviderOptions } from 'nestjs-locking';

/** The provider of a worker, in a form that can be sent to another process. */
export interface ProviderSetup {
  /** The name of its class in `providers.ts`. */
  readonly kind: string;
  /** Its options, without those that are the same everywhere. */
  readonly options: LockingProviderOptions & Readonly<Record<string, unknown>>;
}

/** The setup of a worker. */
export interface WorkerSetup {
  readonly name: string;
  readonly seed: string;
  readonly keys: readonly string[];
  readonly tasks: number;
  /** How many calls in a hundred hold the lock for longer than the lease. */
  readonly longJobs: number;
  /** Milliseconds. */
  readonly lease: number;
  readonly provider: ProviderSetup;
  /** Whether the store keeps records: payments and checkpoints. */
  readonly keepsRecords: boolean;
  /** The way in which its election is broken on purpose, if it is. */
  readonly broken?: 'trusts for ever';
  readonly writePort: number;
  readonly historyFile: string;
}

/** An order to a worker. */
export type Order =
  /** Stand still for `ms`, in the middle of a job or anywhere: the event loop alone, or the whole machine. */
  | { readonly do: 'block'; readonly ms: number; readonly inside: boolean; readonly suspended: boolean }
  /** Begin nothing new; `stopped` is the answer. */
  | { readonly do: 'stop' }
  /** Close the application; the process then ends by itself. */
  | { readonly do: 'close' };

/** A notice from a worker. */
export type Notice = 'ready' | 'stopped';
