/** A request for a lease of every key, or of none. */
export interface LeaseRequest {
  /** Deduplicated and sorted. */
  readonly keys: readonly string[];

  readonly ownerId: string;

  /**
   * Identifies one acquire attempt. Asked again with the same id, the store gives the same answer. It begins with the
   * process id and a dot, so that a store which keeps the attempt knows the process, too.
   */
  readonly attemptId: string;

  /** The process that asks. A {@link QueueingStore} queues and wakes it under this id. */
  readonly processId: string;

  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;

  /** Grant only if `ownerId` holds every key already: such a request may pass the queue. */
  readonly onlyIfOwned: boolean;

  /**
   * How many fencing tokens to reserve, counted from the one in the answer. The holder numbers the grants that follow in
   * its own process with them.
   *
   * @defaultValue 1
   */
  readonly tokens?: number;

  /**
   * If the key is held, add the process to the queue of the key, or keep its entry there. Only for one key. Each repetition with
   * the same attempt id is a heartbeat of the entry. Only a {@link QueueingStore} is asked for this.
   */
  readonly queue?: boolean;

  /**
   * For how many milliseconds the attempt has waited, once the store has refused it; only for one key. A store without a
   * queue may prefer the process that has waited longest.
   */
  readonly waited?: number;

  /**
   * The part of each key that the lease takes. Without it the lease takes the whole key. A store that does not know parts
   * grants the whole key, which is safe.
   */
  readonly part?: LeasePart;
}

/** The part of a key that one lease takes: permits of a semaphore, or one reader of a read-write lock. */
export interface LeasePart {
  readonly mode: 'permits' | 'read';

  /** How much of the capacity the lease takes; 1 for a reader. */
  readonly weight: number;

  /** The most that all leases of the key may take together; `Infinity` for readers. */
  readonly capacity: number;
}

/** The answer to a {@link LeaseRequest}: every key, or none. */
export type LeaseAnswer =
  | {
      readonly granted: true;
      /** One per key, in the order of the request. */
      readonly fencingTokens: readonly number[];
      /** Per key, whether the owner held it before this attempt. */
      readonly reentered: readonly boolean[];
      /** Whether another process waits in the queue. */
      readonly contended?: boolean;
    }
  | {
      readonly granted: false;
      /** The first key that another owner holds, or that `onlyIfOwned` found free. */
      readonly key: string;
      /** Milliseconds until that holder's lease expires if it is not renewed; `null` never expires. */
      readonly remaining: number | null;
      /** Whether the process has an entry in the queue now. */
      readonly queued?: boolean;
      /** Whether other software holds the key. It does not hand the key off. */
      readonly foreign?: boolean;
      /** Within how many milliseconds to ask again. Without it the engine chooses its own pace. */
      readonly askWithin?: number;
      /** With `queued`: the last fencing token so far. A message about a grant up to this token is out of date. */
      readonly lastToken?: number;
    };

/** A request to extend leases. */
export interface ExtendRequest {
  readonly keys: readonly string[];
  readonly ownerId: string;

  /** Milliseconds from now; never shortens a lease. `null` asks only whether `ownerId` still holds the keys. */
  readonly ttl: number | null;

  /** The only attempt that holds the keys, as far as the caller knows: a hint that makes the comparison cheap. */
  readonly attemptId?: string;

  /**
   * Per key, the lease that this process has, if any. A store of several servers writes it to the servers that lack it,
   * once a majority has confirmed it.
   */
  readonly leases?: readonly (HeldLease | undefined)[];
}

/** What a process knows of a lease that it has. */
export interface HeldLease {
  /** The attempt that made its newest grant. */
  readonly attemptId: string;

  /** The token that the store granted, and the last one that was reserved with it. */
  readonly fencingToken: number;
  readonly lastToken: number;

  /** For how many milliseconds the lease is certain without an extension; `null` never expires. */
  readonly remaining: number | null;
}

/** A request to release keys: the holder is done. */
export interface ReleaseRequest {
  readonly keys: readonly string[];
  readonly ownerId: string;

  /**
   * Release the grant of this attempt, and older grants of the owner; newer ones stay. Without it, all grants of
   * `ownerId`.
   */
  readonly attemptId?: string;

  /**
   * Let the key expire in this many milliseconds instead of freeing it now. A later extension finds that the owner does
   * not hold the key.
   */
  readonly keepFor?: number;
}

/** A request to cancel one acquire attempt: its grant and its queue entry end, other grants of the owner stay. */
export interface CancelRequest {
  readonly keys: readonly string[];
  readonly ownerId: string;
  readonly attemptId: string;

  /** The process that asked for the keys. */
  readonly processId: string;

  /** Whether the attempt may still reach the store: the store writes a tombstone then, and refuses the attempt. */
  readonly pending: boolean;
}

/**
 * The result for one key of a release or a cancel. `freed`: the key is free now, or soon with `keepFor`. `kept`: the same
 * owner holds the key through another grant. `gone`: the owner did not hold the key.
 */
export type ReleaseOutcome = 'freed' | 'kept' | 'gone';

/** A key as the store has it. */
export interface StoredLease {
  readonly key: string;
  readonly ownerId: string;
  /** `null` for a lock of other software. */
  readonly fencingToken: number | null;
  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;
  /** The ids of the processes in the queue, in order. */
  readonly queue?: readonly string[];
}

/** A request after which a grant no longer stands. */
export type EndRequest = ReleaseRequest | CancelRequest;

/** Whether a request cancels an attempt; otherwise it releases a lock. */
export function isCancel(request: EndRequest): request is CancelRequest {
  return 'pending' in request;
}
