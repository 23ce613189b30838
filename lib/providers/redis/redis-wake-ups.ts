import type { Redis } from 'ioredis';
import type { WakeUpListener } from '../../interfaces/index.js';
import type { StoreConnection } from './store-connection.js';
import type { StoreKeys } from './store-keys.js';

/** `granted token wanted attempt key`, or `offered`, `wanted` or `taken`, `attempt key`: see `scripts/shared/line.lua`. */
const MESSAGE = /^(?:granted (\d+) ([01])|(offered|wanted|taken)) (\S*) ([^]*)$/;

/** Between two tries to find a node that is there, in milliseconds. */
const NEXT_NODE_DELAY = 50;

/** A connection of its own, made when first somebody has to wait, that hears what concerns this process. */
export class RedisWakeUps {
  private subscriber?: Redis;
  private closed = false;
  private nextNode?: NodeJS.Timeout;

  constructor(
    private readonly connection: StoreConnection,
    private readonly keys: StoreKeys,
  ) {}

  /** Resolves once everything for `address` arrives. */
  async listen(address: string, listener: WakeUpListener): Promise<void> {
    const channel = this.keys.channel(address, this.connection.keyPrefix);
    let heard = false;
    await new Promise<void>((resolve, reject) => {
      const onSubscribed = (): void => {
        if (heard) listener.restored();
        heard = true;
        resolve();
      };
      const open = (): void => {
        const subscriber = this.connection.forSubscriptions();
        this.subscriber = subscriber;
        let isForbidden = false;
        subscriber
          // Told by the connection for commands already, and in messages of failed calls.
          .on('error', () => undefined)
          .on('ready', () => {
            subscriber.subscribe(channel).then(onSubscribed, (error: unknown) => {
              // Forbidden, it would be the next time, too; anything else may have been the connection.
              const forbidden = error instanceof Error && error.name === 'ReplyError';
              isForbidden = forbidden;
              subscriber.disconnect(!forbidden);
              if (forbidden) reject(error);
            });
          })
          .on('close', () => {
            if (heard) listener.interrupted();
          })
          .on('end', () => {
            if (this.connection.subscribesToNodes && !isForbidden) openNext();
          })
          .on('message', (_: string, message: string) => {
            deliver(message, listener);
          });
        if (this.closed) subscriber.disconnect();
        else subscriber.connect().catch(() => undefined);
      };
      const openNext = (): void => {
        if (this.closed) return;
        this.nextNode = setTimeout(() => {
          try {
            open();
          } catch {
            openNext();
          }
        }, NEXT_NODE_DELAY).unref();
      };
      open();
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.nextNode);
    this.subscriber?.disconnect();
  }
}

function deliver(message: string, listener: WakeUpListener): void {
  const match = MESSAGE.exec(message);
  if (!match) return;
  const [, token, wanted, what, attemptId = '', key = ''] = match;
  if (what === 'offered') listener.offered(key, attemptId);
  else if (what === 'wanted') listener.wanted(key, attemptId);
  else if (what === 'taken') listener.taken(key, attemptId);
  else listener.granted(key, attemptId, Number(token), wanted === '1');
}
