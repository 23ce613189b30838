import type { StoreName } from './open.js';

/**
 * The role of a contender in the comparison. `variant` is this library at another commit or on another Node, `floor` a bare
 * lock without waiting, `serial` the same work by a single task without a lock, `broken` a lock that does not work.
 */
export type Kind = 'ours' | 'variant' | 'peer' | 'floor' | 'serial' | 'broken';

export interface Participant {
  /** The name of a peer is that of its package. */
  readonly name: string;
  readonly kind: Kind;
  /** The checkout whose bench runs it, if not this one. */
  readonly checkout?: string;
  /** The Node that runs it, if not this one. */
  readonly execPath?: string;
}

export const OURS: Participant = { name: 'nestjs-locking', kind: 'ours' };
export const FLOOR: Participant = { name: 'floor', kind: 'floor' };
export const SERIAL: Participant = { name: 'serial', kind: 'serial' };
export const BROKEN: Participant = { name: 'broken', kind: 'broken' };

export function before(checkout: string): Participant {
  return { name: 'before', kind: 'variant', checkout };
}

export function onNode(version: string, execPath: string): Participant {
  return { name: `on Node ${version}`, kind: 'variant', execPath };
}

/** Whether it is this library, at this commit or at another, on this Node or on another. */
export function isOurs({ kind }: Participant): boolean {
  return kind === 'ours' || kind === 'variant';
}

/** What a Nest application could use in place of this library, by the store. */
export const PEERS: Readonly<Record<StoreName, readonly Participant[]>> = {
  redis: [
    'redlock',
    '@sesamecare-oss/redlock',
    'redis-semaphore',
    'redlock-universal',
    'murlock',
    '@medusajs/locking-redis',
  ].map(peer),
  postgres: ['pg_advisory_lock', '@verrou/core', '@medusajs/locking-postgres'].map(peer),
};

function peer(name: string): Participant {
  return { name, kind: 'peer' };
}
