/** A wish for all of `keys` at once. */
export interface LeaseRequest {
  /** Deduplicated and sorted. */
  readonly keys: readonly string[];

  readonly ownerId: string;

  /** Names this one attempt. Asked again with the same id, the store gives the same answer. */
  readonly attemptId: string;

  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;

  /** Grant it only where `ownerId` holds every key already: such a call need not queue behind those who wait for it. */
  readonly onlyIfOwned: boolean;

  /**
   * How many fencing tokens to set aside, from the one that is answered on: the holder hands the key on within its
   * process and numbers those grants itself. 1 without it.
   */
  readonly tokens?: number;

  /**
   * If the key is not to be had, stand in line for it under this address (see {@link LockingProvider.listen}), or stay
   * there. For one key only. Asking again, with the same attempt, is the sign of life that keeps the place.
   */
  readonly address?: string;

  /**
   * For how many milliseconds the attempt has been waiting, once the store has answered that it has to; for one key
   * only. A store without a queue may prefer who has waited longest.
   */
  readonly waited?: number;
}

/** What became of a {@link LeaseRequest}: every key, or none. */
export type LeaseAnswer =
  | {
      readonly granted: true;
      /** One per key, in the order of the request. */
      readonly fencingTokens: readonly number[];
      /** Per key, whether the owner held it already, before this attempt. */
      readonly reentered: readonly boolean[];
      /** Whether another process stands in line for it. */
      readonly wanted?: boolean;
    }
  | {
      readonly granted: false;
      /** The first key that somebody else holds, or that `onlyIfOwned` found free. */
      readonly key: string;
      /** Milliseconds until that holder's lease ends if it is not renewed; `null` if it never does. */
      readonly remaining: number | null;
      /** Whether the request stands in line now, and will be granted in its turn. */
      readonly queued?: boolean;
      /** Whether other software holds the key, which will hand it to nobody. */
      readonly foreign?: boolean;
      /** Within how many milliseconds to ask again; without it, the engine chooses its own pace. */
      readonly askWithin?: number;
      /** With `queued`, the last fencing token so far: a grant up to it, of which word may still come, is over. */
      readonly lastToken?: number;
    };

/** A wish to make leases last longer. */
export interface ExtendRequest {
  readonly keys: readonly string[];
  readonly ownerId: string;

  /** Milliseconds from now, never shortening a lease; `null` asks only whether `ownerId` still holds the keys. */
  readonly ttl: number | null;

  /** The only attempt that the keys rest on, as far as the caller knows: a hint that makes the comparison cheap. */
  readonly attemptId?: string;

  /**
   * Per key, the lease that this process has of it, if any. A store of several servers writes it to those that lack it,
   * once a majority has confirmed it.
   */
  readonly leases?: readonly (HeldLease | undefined)[];
}

/** What a process knows of a lease that it has. */
export interface HeldLease {
  /** The attempt that made its newest grant. */
  readonly attemptId: string;

  /** The token that the store has granted it with, and the last one that was set aside with it. */
  readonly fencingToken: number;
  readonly lastToken: number;

  /** For how many milliseconds it is certain without an extension; `null` never expires. */
  readonly remaining: number | null;
}

/** A wish to give keys up. */
export interface ReleaseRequest {
  readonly keys: readonly string[];
  readonly ownerId: string;

  /** Release the grant that this attempt made, and older ones; a newer one stands. Without it, all that `ownerId` holds. */
  readonly attemptId?: string;

  /** The attempt was given up: it goes alone, as if it had never been, and the owner's other grants stand. */
  readonly undo?: boolean;

  /** With `undo`: the attempt leaves the line, too, where it may stand under this address. */
  readonly address?: string;

  /** With `undo`: nobody knows whether the attempt has arrived. If it comes only after this, it is to be refused. */
  readonly pending?: boolean;

  /**
   * Let the key run out in this many milliseconds instead of freeing it now. An extension that comes later finds that the
   * owner does not hold the key.
   */
  readonly keepFor?: number;
}

/**
 * What became of one key of a {@link ReleaseRequest}: `freed` now (or soon, with `keepFor`); `kept`, as the same owner
 * holds it through another grant; `gone`, as the owner did not hold it.
 */
export type ReleaseOutcome = 'freed' | 'kept' | 'gone';

/** A key as the store has it. */
export interface StoredLease {
  readonly key: string;
  readonly ownerId: string;
  /** `null` for a lock taken by other software. */
  readonly fencingToken: number | null;
  /** Milliseconds; `null` never expires. */
  readonly ttl: number | null;
  /** The addresses that stand in line for it, first come first. */
  readonly line?: readonly string[];
}

/** What a store has to say to a process of its own accord. All of it may come late, twice or never. */
export interface WakeUpListener {
  /** The attempt that stood in line for `key` has it now. */
  granted(key: string, attemptId: string, fencingToken: number, wanted: boolean): void;

  /**
   * `key` is kept for the attempt that stood in line for it, but it is to ask again at once, and may count on no more
   * than the answer. For stores that cannot tell whether they are heard, or whether what they say is there to last.
   */
  offered(key: string, attemptId: string): void;

  /** Somebody else stands in line for `key`, which this process holds through `attemptId`. */
  wanted(key: string, attemptId: string): void;

  /** `key`, which this process held through `attemptId`, was freed by force. */
  taken(key: string, attemptId: string): void;

  /** Nothing will be heard for a while: nobody may stand in line. */
  interrupted(): void;

  /** It will again; what was said meanwhile is lost. */
  restored(): void;
}

/** What a provider is given beside its options. */
export interface LockingProviderContext {
  /** The id it goes by in this application. */
  readonly id: string;

  /** Tells the operator of something that needs attention: a dangerous setting, a lost connection. */
  warn(message: string): void;
}

/**
 * A store of leases. It offers batched primitives only: it does not wait, retry or time; the engine does. What it may
 * have is lines: one place per waiting process and key, for the order between processes.
 *
 * The primitives take a batch and give one promise per request, so that a store may serve a batch in one round trip,
 * and the failure of one does not touch the others. Each request is atomic and checks owners in the store itself. A
 * call that cannot be carried out rejects; if it certainly took nothing, with a
 * {@link StoreNotReachedError}.
 *
 * Every promise has to settle, at the latest when the connection that the request went over is lost or given up: what is
 * under way is not asked again before, as the store would only have more to do.
 *
 * Check your own with `describeLockingProvider` from `nestjs-locking/testing`.
 */
export interface LockingProvider {
  /** How the store is called in messages: `Redis`. Only for providers that connect. */
  readonly storeName?: string;

  /**
   * Connects. A rejection means that the store cannot be reached now; the provider goes on trying and calls
   * `onConnected` whenever it has succeeded after all.
   *
   * It calls `onReplaced` whenever another server may have taken over that lacks what the former one has confirmed last,
   * so at the latest after each reconnection: releases of the last seconds are then repeated, waiters ask anew, and
   * holders ask whether they still hold.
   */
  connect?(onConnected: () => void, onReplaced?: () => void): Promise<void>;

  /**
   * From when this resolves on, what concerns `address` is told to `listener`. A store without it has no lines: whoever
   * waits asks again and again. Called when first somebody has to wait, and again only if it has rejected.
   */
  listen?(address: string, listener: WakeUpListener): Promise<void>;

  /** Closes what `connect` and `listen` opened. */
  close?(): Promise<void>;

  /** Takes leases: every key of a request, or none. */
  acquire(requests: readonly LeaseRequest[]): Promise<LeaseAnswer>[];

  /** Extends leases: all keys of a request, or none. Resolves with whether the owner holds each key. */
  extend(requests: readonly ExtendRequest[]): Promise<readonly boolean[]>[];

  /** Gives leases up, key by key, each to whoever is first in line. Resolves with the outcome for each key. */
  release(requests: readonly ReleaseRequest[]): Promise<readonly ReleaseOutcome[]>[];

  /** Takes keys from whoever holds them, for the first in line. Resolves with how many were held. */
  forceRelease(keys: readonly string[]): Promise<number>;

  /** Looks at keys; `null` for one that is free. */
  inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]>;

  /** Goes through all locked keys that match the glob, without blocking the store. */
  list(match?: string): AsyncIterable<StoredLease>;
}

/**
 * The class of a provider, as named in the module's `providers`.
 *
 * @example
 * class EtcdLockingProvider implements LockingProvider {
 *   static readonly identifier = 'locking-etcd';
 *   static readonly optionNames = ['endpoints'];
 *   constructor(options: { endpoints: string[] }, context: LockingProviderContext) { … }
 * }
 */
export interface LockingProviderClass<Options = never> {
  new (options: Options, context: LockingProviderContext): LockingProvider;

  /** The id it goes by where none is given. */
  readonly identifier: string;

  /** The options it knows beside those that every provider has; others are refused. Unchecked without it. */
  readonly optionNames?: readonly string[];
}

/** What a provider rejects with when a request certainly did not take anything, so that nothing needs undoing. */
export class StoreNotReachedError extends Error {
  override readonly name = 'StoreNotReachedError';
}
