import { RESERVED_KEY_PREFIX } from '../../engine/lock-keys.js';

/** What is called how in Redis. The scripts find the other names from these: see `scripts/shared/line.lua`. */
export class StoreKeys {
  /** The token counter. */
  readonly fence: string;

  private readonly line: string;
  private readonly order: string;

  /** @param namespace - the prefix of every key */
  constructor(private readonly namespace: string) {
    this.fence = `${namespace}${RESERVED_KEY_PREFIX}fence`;
    this.line = `${namespace}${RESERVED_KEY_PREFIX}line:`;
    this.order = `${namespace}${RESERVED_KEY_PREFIX}order:`;
  }

  lock(key: string): string {
    return this.namespace + key;
  }

  /** Adds the lock and the line of each key. */
  addTo(names: string[], keys: readonly string[]): string[] {
    for (const key of keys) names.push(this.namespace + key, this.line + key);
    return names;
  }

  /** The lock of each key, and the order of its line. */
  withOrders(keys: readonly string[]): string[] {
    return keys.flatMap((key) => [this.namespace + key, this.order + key]);
  }

  /** @param prefix - what the client puts before every key */
  channel(address: string, prefix: string): string {
    return `${prefix}${this.namespace}${RESERVED_KEY_PREFIX}wake:${address}`;
  }
}
