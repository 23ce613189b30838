import type { Duration, Lock, ProviderChoice } from '../../interfaces/index.js';

/** Options of {@link IdempotencyService.run}. */
export interface IdempotencyOptions extends ProviderChoice {
  /**
   * For how long a result is kept, and a call with the same key gets it. A number is seconds.
   *
   * @defaultValue `'24h'`
   */
  ttl?: Duration | undefined;

  /**
   * How long a call waits while another one with the same key runs; then it gets the result of that. A number is seconds.
   *
   * @defaultValue 0: refused at once, with an `IdempotencyError`
   */
  wait?: Duration | undefined;

  /**
   * The lease: for how long a process that dies blocks its key. It is renewed while the job runs. A number is seconds.
   *
   * @defaultValue the provider's `expire`, 30 s
   */
  expire?: Duration | undefined;

  /**
   * What a call comes to when an earlier one ended without a result, as its process died, was paused for longer than its
   * lease, or could not write to the store: whether that one had an effect is not known. `'rerun'` runs the job again;
   * `'reject'` refuses, until the `ttl` ends or {@link IdempotencyService.forget} is called.
   *
   * @defaultValue `'rerun'`
   */
  onAbandoned?: 'rerun' | 'reject' | undefined;

  /**
   * The most bytes of a result as JSON. A larger one is returned to its caller, but not kept: further calls with its key are
   * refused.
   *
   * @defaultValue 131,072
   */
  maxSize?: number | undefined;

  /** Ends the wait when aborted; the call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
}

/** What an idempotent job is given. */
export interface IdempotentRun {
  /** The lock of the key: its `signal` for what can be stopped, its `fencingToken` for what the job writes. */
  readonly lock: Lock;

  /** 1; more if so many calls before have begun the job and ended without a result. */
  readonly attempt: number;
}
