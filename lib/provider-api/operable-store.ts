import type { LeaseStore } from './lease-store.js';
import type { RevokingStore } from './revoking-store.js';

/** An entry of the queue of a key. */
export interface QueueEntry {
  readonly processId: string;

  /** The owner that the lease will be granted to; `undefined` where only the order knows of the process. */
  readonly ownerId?: string;

  /** Milliseconds since the last heartbeat, by the clock of the store; `undefined` as above. */
  readonly silentFor?: number;
}

/** How much a finding matters: `ok` tells that a check was passed, `note` that it could not be made or is a matter of taste. */
export type FindingLevel = 'ok' | 'note' | 'warning' | 'problem';

/** What a look at the store has found. */
export interface Finding {
  readonly level: FindingLevel;

  /** The subject of the check, in a word or two: `eviction`. */
  readonly subject: string;

  /** Which of several servers it is about: its address, or its name. */
  readonly server?: string;

  /** The finding: one sentence. */
  readonly message: string;

  /** What to do about it. */
  readonly remedy?: string;

  /**
   * What a health check makes of it; nothing, where only the command line tells of it. Strangers may read a health check,
   * so a message that it tells names no server and no user.
   */
  readonly health?: 'up' | 'degraded' | 'down';
}

/** How far a look at the server goes: with `health` it costs one or two small commands, so that it can be repeated. */
export type ExaminationDepth = 'health' | 'full';

/** What operators ask of a store beyond what locks need. The command line and health checks ask it; a store need not offer it. */
export interface OperableStore extends RevokingStore {
  /** The time of the store, in milliseconds since 1970. */
  now(): Promise<number>;

  /** The queue of a key, in order. */
  readQueue(key: string): Promise<readonly QueueEntry[]>;

  /** Yields all keys that have a queue, held or not, without blocking the store. */
  listQueued(): AsyncIterable<string>;

  /** Looks over the server: version, rights, memory, replication. Changes nothing. */
  examine(depth: ExaminationDepth): Promise<readonly Finding[]>;
}

/** Whether operators can ask `store` for more than a {@link LeaseStore} offers. */
export function isOperable(store: LeaseStore): store is OperableStore {
  const { now, readQueue, listQueued, revokeSeen, examine } = store as Partial<OperableStore>;
  return [now, readQueue, listQueued, revokeSeen, examine].every((method) => typeof method === 'function');
}
