import { RESERVED_KEY_PREFIX } from '../../engine/options/lock-keys.js';
import { keySlot, slotTag } from './key-slot.js';

/**
 * The names of the keys in Redis. The scripts derive further names from these: see `scripts/shared/queue.lua`.
 *
 * In a cluster, all keys of a lock have to be in its slot. Their names carry a tag that puts them there, `fence:{tag}`,
 * `queue:{tag}:key` and `order:{tag}:key`, so each slot has a counter of its own.
 */
export class StoreKeys {
  private readonly fence: string;
  private readonly queue: string;
  private readonly order: string;

  /**
   * @param namespace - the prefix of every key
   * @param clusterPrefix - for a cluster, what the client puts before every key
   */
  constructor(
    private readonly namespace: string,
    private readonly clusterPrefix?: string,
  ) {
    this.fence = `${namespace}${RESERVED_KEY_PREFIX}fence`;
    this.queue = `${namespace}${RESERVED_KEY_PREFIX}queue`;
    this.order = `${namespace}${RESERVED_KEY_PREFIX}order`;
  }

  lock(key: string): string {
    return this.namespace + key;
  }

  /** The hash slot of a key; on a standalone server all are together. */
  slotOf(key: string): number {
    return this.clusterPrefix === undefined ? 0 : keySlot(this.clusterPrefix + this.namespace + key);
  }

  /** For a script: the token counter, and the lock of each key. All of one slot, as with the others. */
  forRelease(keys: readonly string[]): string[] {
    const names = [this.fence + this.tagFor(keys)];
    for (const key of keys) names.push(this.namespace + key);
    return names;
  }

  /** For a script: the token counter, and the lock and the queue of each key. */
  forGrants(keys: readonly string[]): string[] {
    const tag = this.tagFor(keys);
    const names = [this.fence + tag];
    for (const key of keys) names.push(this.namespace + key, `${this.queue}${tag}:${key}`);
    return names;
  }

  /** For a script: the lock of each key, and the order of its queue. */
  withOrders(keys: readonly string[]): string[] {
    const tag = this.tagFor(keys);
    return keys.flatMap((key) => [this.namespace + key, `${this.order}${tag}:${key}`]);
  }

  /** The token counter of the slot of a key. */
  counter(key: string): string {
    return this.fence + this.tagFor([key]);
  }

  /** What the orders of all queues begin with. */
  get orders(): string {
    return this.order;
  }

  /** The key of an order, by what follows {@link orders} in its name. */
  keyOfOrder(rest: string): string {
    return this.clusterPrefix === undefined ? rest.slice(1) : rest.replace(/^:\{\d+\}:/, '');
  }

  /** A record, in a slot of its own. */
  record(name: string): string {
    return `${this.namespace}${RESERVED_KEY_PREFIX}record:${name}`;
  }

  /** @param prefix - what the client puts before every key */
  recordChannel(prefix: string): string {
    return `${prefix}${this.namespace}${RESERVED_KEY_PREFIX}records`;
  }

  /** @param prefix - what the client puts before every key */
  channel(processId: string, prefix: string): string {
    return `${prefix}${this.namespace}${RESERVED_KEY_PREFIX}wake:${processId}`;
  }

  private tagFor([first = '']: readonly string[]): string {
    return this.clusterPrefix === undefined ? '' : `:{${slotTag(this.slotOf(first))}}`;
  }
}
