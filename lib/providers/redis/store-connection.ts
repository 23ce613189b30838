import type { Cluster, Redis } from 'ioredis';

/** How the provider reaches its store: one server, or the nodes of a cluster. */
export interface StoreConnection {
  /** What stands for the present connection to the one server; another object once it was made anew. */
  current?(): unknown;

  /** For how many milliseconds an attempt that was cancelled before it arrived is refused. */
  readonly tombstoneTtl: number;

  /** What to put in front of a key where the client does not do so itself: in SCAN. */
  readonly keyPrefix: string;

  /**
   * Resolves once connected. A rejection tells why not; an own connection goes on trying in the background.
   *
   * @param onReplaced - told when another server may answer from now on, which may lack the last writes
   */
  open(onConnected: () => void, onReplaced: () => void): Promise<void>;

  close(): void;

  /**
   * The client, to send something at once.
   *
   * @throws StoreNotReachedError when nothing can be sent now
   */
  client(): Redis | Cluster;

  /** Every server that has locks of its own. Throws as {@link client} does. */
  masters(): readonly Redis[];

  /**
   * Another client, for subscriptions; not connected yet, and its owner's to close. Throws as {@link client} does, and
   * where all nodes are taken.
   *
   * @param taken - clients for subscriptions whose nodes are to be left out
   */
  forSubscriptions(taken: readonly Redis[]): Redis;

  /** How many clients for subscriptions there should be at a time. */
  readonly subscriptions: number;

  /** Whether a client for subscriptions stays with its server, and another one has to be made when that is lost. */
  readonly subscribesToNodes: boolean;

  /** The client for subscriptions may not subscribe: it is not to be connected again. */
  endSubscriptions?(): void;

  /** What a failed command means. */
  explain(error: unknown): unknown;

  /** What a command for a key has to wait for: the server that it goes to is only being connected to. */
  opening?(key: string): Promise<void> | undefined;

  /** Follows a command until it is answered. */
  watch?(command: Promise<unknown>): void;
}
