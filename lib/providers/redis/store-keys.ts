import { RESERVED_KEY_PREFIX } from '../../engine/lock-keys.js';

/** What is called how in Redis. */
export class StoreKeys {
  /** The token counter. */
  readonly fence: string;

  /** The attempts that were given up before they came. */
  readonly void: string;

  /** @param namespace - the prefix of every key */
  constructor(private readonly namespace: string) {
    this.fence = this.own('fence');
    this.void = this.own('void');
  }

  lock(key: string): string {
    return this.namespace + key;
  }

  /** The lock and the line of each key, one after another. */
  withLines(keys: readonly string[]): string[] {
    const line = this.own('line:');
    const names: string[] = [];
    for (const key of keys) names.push(this.namespace + key, line + key);
    return names;
  }

  /** What every script is told that tells processes something; `prefix` is what the client puts before every key. */
  forMessages(prefix: string): [nameOffset: string, channels: string] {
    return [String(Buffer.byteLength(prefix + this.namespace)), this.channel('', prefix)];
  }

  channel(address: string, prefix: string): string {
    return `${prefix}${this.own('wake:')}${address}`;
  }

  private own(name: string): string {
    return this.namespace + RESERVED_KEY_PREFIX + name;
  }
}
