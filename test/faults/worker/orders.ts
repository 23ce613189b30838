import type { LockingProviderOptions } from 'nestjs-locking';

/** The provider of a worker, as it can be sent to another process. */
export interface ProviderSetup {
  /** Which class: see `providers.ts`. */
  readonly kind: string;
  /** Its options, but for those that are the same everywhere. */
  readonly options: LockingProviderOptions & Readonly<Record<string, unknown>>;
}

/** What a worker is started with. */
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
  /** How its election is broken on purpose, if it is. */
  readonly broken?: 'trusts for ever';
  readonly writePort: number;
  readonly historyFile: string;
}

/** What a worker is told. */
export type Order =
  /** Stand still for so long, in the midst of a job or anywhere: the event loop alone, or the whole machine. */
  | { readonly do: 'block'; readonly ms: number; readonly inside: boolean; readonly suspended: boolean }
  /** Begin nothing new; `stopped` is the answer. */
  | { readonly do: 'stop' }
  /** Close the application; the process then ends by itself. */
  | { readonly do: 'close' };

/** What a worker tells. */
export type Notice = 'ready' | 'stopped';
