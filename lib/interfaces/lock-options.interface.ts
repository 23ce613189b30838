import type { Duration } from './duration.interface.js';

/** Options of `acquire`. */
export interface AcquireOptions {
  /**
   * How long to wait for the keys, over everything. A number is seconds; `0` asks once and does not wait.
   *
   * @defaultValue the provider's `waitLockingTimeout`, 5 s
   */
  timeout?: Duration | undefined;

  /**
   * The lease: how long the keys stay locked if the process dies. A number is seconds. Without it the provider's
   * `expire` (30 s) counts, except in `acquire` and `tryAcquire` with an explicit `ownerId`, which then never expires.
   */
  expire?: Duration | undefined;

  /** Take the lock under this name. The same owner may take it again, from any process. */
  ownerId?: string | undefined;

  /**
   * Renew the lease for as long as the lock is held.
   *
   * @defaultValue true in `execute` and decorated methods; in `acquire` and `tryAcquire` true only if neither `expire`
   * nor `ownerId` is given
   */
  renew?: boolean | undefined;

  /**
   * Refuse this call at once, with a `LockTimeoutError` whose `reason` is `'queue-full'`, if so many callers of this
   * process already wait for one of its keys. A whole number from 1 on; `Infinity` lifts the limit of the provider. To
   * not wait at all, set `timeout: 0`.
   *
   * @defaultValue the provider's `maxWaiters`, no limit
   */
  maxWaiters?: number | undefined;

  /** Ends the wait at once when aborted; the call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;

  /** The id of the provider to use; `locking-redis` and `lp_locking-redis` mean the same. */
  provider?: string | undefined;

  /**
   * Whether a call made inside a job that already holds the key joins that lock. With `false` it competes like any
   * other caller, and waits in vain for its own outer job.
   *
   * @defaultValue true
   */
  reentrant?: boolean | undefined;

  /**
   * The longest the lock is renewed for. From then on its last lease runs out, and `signal` aborts when it has: a job
   * that hangs cannot keep a key. A lease longer than this is cut to it. A number is seconds.
   */
  maxHold?: Duration | undefined;

  /**
   * Keep the keys locked for at least this long after the job has returned (or the lock was released), although the
   * caller goes on at once. For cron ticks on machines with skewed clocks. It outlives the process. A number is seconds.
   */
  minHold?: Duration | undefined;

  /**
   * What the lock is called in metrics, traces and events: one text for all keys of a kind, such as `'order:<id>'`, of at
   * most 256 characters. Each text becomes time series of its own, so never put an id into it.
   *
   * @defaultValue the template of a decorator, or its class and method where the key is a function; none in other calls
   */
  keyTemplate?: string | undefined;

  /**
   * What the lock is for, for people: `inspect`, `list` and the dashboard show it, in other processes as well, and
   * warnings name it. 1 to 100 visible characters.
   *
   * @defaultValue class and method of a decorated method; none in other calls
   */
  label?: string | undefined;

  /**
   * After how long this lock is warned of in the log while it is still waited for, or still held. A number is seconds;
   * `false` for never.
   *
   * @defaultValue the provider's `warnAfter`, never
   */
  warnAfter?: Duration | false | undefined;
}

/** Options of `tryAcquire`: those of `acquire` but for what concerns the wait. */
export type TryAcquireOptions = Omit<AcquireOptions, 'timeout' | 'maxWaiters'>;

/** Options of `restore`: those of `acquire` but for the wait, and for the owner, which the text names. */
export type RestoreOptions = Omit<AcquireOptions, 'timeout' | 'maxWaiters' | 'ownerId' | 'reentrant'>;

/** Options of `execute` and of a decorated method: those of `acquire`, and whether the call waits for the release. */
export interface ExecuteOptions extends AcquireOptions {
  /**
   * With `false` the call ends when the job has ended and the release is sent, which saves the caller a round trip. It
   * then cannot say that the key was taken away in the last moment of the job (by `forceRelease`, or by a store that
   * lost its data): for that there is `LockLostError` only with `true`. The release itself is as safe as ever.
   *
   * @defaultValue true
   */
  awaitRelease?: boolean | undefined;
}

/** Options of `release` and `releaseAll`. */
export interface ReleaseOptions {
  /** Whose locks; without it, those that this application instance holds. */
  ownerId?: string | undefined;

  /** The id of the provider to use. */
  provider?: string | undefined;
}

/** Options of `extend`. */
export interface ExtendOptions {
  /** Whose locks. */
  ownerId: string;

  /** How long they are to last from now, at least; a longer lease is not shortened. A number is seconds. */
  expire: Duration;

  /** The id of the provider to use. */
  provider?: string | undefined;
}

/** Options of the calls that only name a provider. */
export interface ProviderChoice {
  /** The id of the provider to use; the default provider without it. */
  provider?: string | undefined;
}

/** The holder of a lock as `inspect` or `list` has shown it: a whole `LockInfo` is one. */
export interface SeenHolder {
  /** Its owner. */
  readonly ownerId: string;

  /** The token of its grant; `null` for a lock of other software. */
  readonly fencingToken: number | null;
}

/** Options of `forceRelease`. */
export interface ForceReleaseOptions extends ProviderChoice {
  /**
   * Release the key only if this is its holder still: not one that has come since you looked. For a single key.
   *
   * @defaultValue any holder
   */
  seen?: SeenHolder | undefined;
}

/** Options of `list`. */
export interface ListOptions extends ProviderChoice {
  /** A glob over the keys (`*`, `?`, `[a-z]`, `\` to escape), without the namespace; every key without it. */
  match?: string | undefined;
}
