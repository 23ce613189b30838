import type { Redis } from 'ioredis';
import type { WakeUpListener } from '../../interfaces/index.js';
import type { RedisConnection } from './redis-connection.js';
import type { StoreKeys } from './store-keys.js';

/** `granted token wanted attempt key`, `wanted attempt key` or `taken attempt key`: see `scripts/shared/line.lua`. */
const MESSAGE = /^(?:granted (\d+) ([01])|(wanted|taken)) (\S*) ([^]*)$/;

/** After a subscription that was allowed once has been refused, it is tried again after so many milliseconds. */
const SUBSCRIBE_AGAIN = 10_000;

/** A connection of its own, made when first somebody has to wait, that hears what concerns this process. */
export class RedisWakeUps {
  private subscriber?: Redis;
  private closed = false;
  private later?: NodeJS.Timeout;

  constructor(
    private readonly connection: RedisConnection,
    private readonly keys: StoreKeys,
    private readonly onRefused: (error: Error) => void,
  ) {}

  /** Resolves once everything for `address` arrives. */
  async listen(address: string, listener: WakeUpListener): Promise<void> {
    const channel = this.keys.channel(address, this.connection.keyPrefix);
    const subscriber = this.connection.forSubscriptions();
    this.subscriber = subscriber;
    let heard = false;
    await new Promise<void>((resolve, reject) => {
      const onSubscribed = (): void => {
        if (heard) listener.restored();
        heard = true;
        resolve();
      };
      subscriber
        // Told by the connection for commands already, and in messages of failed calls.
        .on('error', () => undefined)
        .on('ready', () => {
          subscriber.subscribe(channel).then(onSubscribed, (error: unknown) => {
            // Forbidden, it would be the next time, too; anything else may have been the connection.
            if (!(error instanceof Error) || error.name !== 'ReplyError') {
              subscriber.disconnect(true);
              return;
            }
            this.connection.endSubscriptions();
            this.onRefused(error);
            if (heard) this.tryLater(subscriber);
            else reject(error);
          });
        })
        .on('close', () => {
          if (heard) listener.interrupted();
        })
        .on('message', (_: string, message: string) => {
          deliver(message, listener);
        });
      if (this.closed) subscriber.disconnect();
      else subscriber.connect().catch(() => undefined);
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.later);
    this.subscriber?.disconnect();
  }

  /** Nobody else will: the engine has been promised to hear again. */
  private tryLater(subscriber: Redis): void {
    this.later = setTimeout(() => {
      this.connection.resumeSubscriptions(subscriber);
    }, SUBSCRIBE_AGAIN).unref();
  }
}

function deliver(message: string, listener: WakeUpListener): void {
  const match = MESSAGE.exec(message);
  if (!match) return;
  const [, token, wanted, what, attemptId = '', key = ''] = match;
  if (what === 'wanted') listener.wanted(key, attemptId);
  else if (what === 'taken') listener.taken(key, attemptId);
  else listener.granted(key, attemptId, Number(token), wanted === '1');
}
