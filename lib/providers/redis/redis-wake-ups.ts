import type { Redis } from 'ioredis';
import type { WakeUpListener } from '../../interfaces/index.js';
import { keepAlive } from './heartbeat.js';
import type { StoreConnection } from './store-connection.js';
import type { StoreKeys } from './store-keys.js';

/** `granted token wanted attempt key`, or `offered`, `wanted` or `taken`, `attempt key`: see `scripts/shared/line.lua`. */
const MESSAGE = /^(?:granted (\d+) ([01])|(offered|wanted|taken)) (\S*) ([^]*)$/;

/** Between two tries to find a node that is there, in milliseconds. */
const NEXT_NODE_DELAY = 50;

/** After a subscription that was allowed once has been refused, it is tried again after so many milliseconds. */
const SUBSCRIBE_AGAIN = 10_000;

export interface WakeUpOptions {
  /** This user may not subscribe. */
  readonly onRefused: (error: Error) => void;
  /** Whether somebody who is told of a grant is to ask once more. */
  readonly grantsAreOffers: boolean;
}

/** A connection of its own, made when first somebody has to wait, that hears what concerns this process. */
export class RedisWakeUps {
  private subscriber?: Redis;
  private closed = false;
  private next?: NodeJS.Timeout;

  constructor(
    private readonly connection: StoreConnection,
    private readonly keys: StoreKeys,
    private readonly how: WakeUpOptions,
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
        keepAlive(subscriber, channel);
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
              isForbidden = true;
              this.connection.endSubscriptions?.();
              subscriber.disconnect();
              this.how.onRefused(error);
              // The engine has been promised to hear again: nobody else will try.
              if (heard) openIn(SUBSCRIBE_AGAIN);
              else reject(error);
            });
          })
          .on('close', () => {
            if (heard) listener.interrupted();
          })
          .on('end', () => {
            if (this.connection.subscribesToNodes && !isForbidden) openIn(NEXT_NODE_DELAY);
          })
          .on('message', (_: string, message: string) => {
            deliver(message, listener, this.how.grantsAreOffers);
          });
        if (this.closed) subscriber.disconnect();
        else subscriber.connect().catch(() => undefined);
      };
      const openIn = (milliseconds: number): void => {
        if (this.closed) return;
        this.next = setTimeout(() => {
          try {
            open();
          } catch {
            openIn(milliseconds);
          }
        }, milliseconds).unref();
      };
      open();
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.next);
    this.subscriber?.disconnect();
  }
}

function deliver(message: string, listener: WakeUpListener, grantsAreOffers: boolean): void {
  const match = MESSAGE.exec(message);
  if (!match) return;
  const [, token, wanted, what, attemptId = '', key = ''] = match;
  if (what === 'offered') listener.offered(key, attemptId);
  else if (what === 'wanted') listener.wanted(key, attemptId);
  else if (what === 'taken') listener.taken(key, attemptId);
  else if (grantsAreOffers) listener.offered(key, attemptId);
  else listener.granted(key, attemptId, Number(token), wanted === '1');
}
