import type { Redis, RedisOptions, SentinelAddress } from 'ioredis';
import { keepAlive } from './heartbeat.js';

const SWITCHED = '+switch-master';

/** How soon the connection to a sentinel is made again, in milliseconds, unless the user says otherwise. */
const RECONNECT_DELAY = 1000;

/** What every sentinel and every ioredis speaks. Spread, because ioredis 5, which speaks no other, has no such option. */
const RESP2 = { protocol: 2 } as const;

/**
 * Hears from every sentinel that the master is another one now. After a planned failover the former master goes on
 * answering for 8 s and more, until the sentinels make a replica of it; locks that it grants meanwhile are lost.
 *
 * The `failoverDetector` of ioredis does the same, but for every master that the sentinels watch, printing an error for
 * each of them that is down, and ending the client for good if word comes while it connects.
 *
 * https://github.com/redis/ioredis/issues/1314, https://github.com/redis/ioredis/issues/1059; the detector is off by default
 * since https://github.com/redis/ioredis/pull/1363
 */
export class SentinelWatch {
  private readonly watchers: Redis[] = [];

  /** @param onMoved - told of the new master's address, `ip:port`, by each sentinel on its own */
  constructor(
    private readonly options: RedisOptions,
    private readonly onMoved: (address: string) => void,
  ) {}

  start(create: (options: RedisOptions) => Redis): void {
    for (const sentinel of this.options.sentinels ?? []) {
      const watcher = create(this.optionsFor(sentinel));
      this.watchers.push(watcher);
      this.follow(watcher);
      watcher.connect().catch(() => undefined);
    }
  }

  close(): void {
    for (const watcher of this.watchers) watcher.disconnect();
  }

  private follow(watcher: Redis): void {
    const { name = '' } = this.options;
    let last: string | undefined;
    keepAlive(watcher, SWITCHED);
    const note = (address: string): void => {
      if (last !== undefined && last !== address) this.onMoved(address);
      last = address;
    };
    watcher
      // One that cannot be reached is made up for by the others; if none can, the client says so.
      .on('error', () => undefined)
      .on('ready', () => {
        // For the messages that were missed without a connection. Both go out at once, so that nothing falls between them.
        watcher.call('SENTINEL', 'get-master-addr-by-name', name).then(
          (address) => {
            if (Array.isArray(address)) note(address.join(':'));
          },
          () => undefined,
        );
        watcher.subscribe(SWITCHED).catch(() => {
          watcher.disconnect(true);
        });
      })
      .on('message', (_: string, message: string) => {
        // master old-ip old-port ip port
        const [master, , , host, port] = message.split(' ');
        if (master !== name) return;
        last ??= '';
        note(`${String(host)}:${String(port)}`);
      });
  }

  private optionsFor({ host, port, family }: Partial<SentinelAddress>): RedisOptions {
    const { sentinelUsername, sentinelPassword, sentinelTLS, sentinelReconnectStrategy } = this.options;
    return {
      host,
      port: port ?? 26379,
      family: family ?? this.options.family,
      username: sentinelUsername ?? undefined,
      password: sentinelPassword ?? undefined,
      tls: sentinelTLS,
      connectTimeout: this.options.connectTimeout,
      commandTimeout: this.options.sentinelCommandTimeout,
      disconnectTimeout: this.options.disconnectTimeout,
      // One that gives up would have the next change of master go unheard.
      retryStrategy: (attempt) => sentinelReconnectStrategy?.(attempt) ?? RECONNECT_DELAY,
      ...RESP2,
      lazyConnect: true,
      enableReadyCheck: false,
      enableOfflineQueue: false,
      autoResubscribe: false,
    };
  }
}
