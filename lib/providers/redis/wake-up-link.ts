import type { Redis } from 'ioredis';
import { keepAlive } from './ioredis-workarounds/heartbeat.js';
import { isReply } from './redis-errors.js';
import type { StoreConnection } from './store-connection.js';

/** Between two tries to find a node that is there, in milliseconds. */
const NEXT_NODE_DELAY = 50;

/** Between two tries to find a node that no other link is on, in milliseconds. */
const SPARE_NODE_DELAY = 1000;

/** After a subscription that was allowed once has been refused, it is tried again after so many milliseconds. */
const SUBSCRIBE_AGAIN = 10_000;

export interface LinkEvents {
  subscribed(): void;
  lost(): void;
  /** The user may not subscribe. Tells whether it is to be tried again. */
  refused(error: Error): boolean;
  message(text: string): void;
  /** The connection cannot be made for now. */
  failed(error: Error): void;
}

/** One connection that is subscribed to a channel, and made again whenever it is lost. */
export class WakeUpLink {
  subscriber?: Redis;
  private closed = false;
  private next?: NodeJS.Timeout;

  /** @param taken - the connections of other links, which are to be on other nodes */
  constructor(
    private readonly connection: StoreConnection,
    private readonly channel: string,
    private readonly events: LinkEvents,
    private readonly taken: () => readonly Redis[],
  ) {}

  /** @throws StoreNotReachedError when there is no connection for commands */
  open(): void {
    const subscriber = this.connection.forSubscriptions(this.taken());
    this.subscriber = subscriber;
    let isForbidden = false;
    keepAlive(subscriber, this.channel);
    subscriber
      .on('error', (error: Error) => {
        this.events.failed(error);
      })
      .on('ready', () => {
        subscriber.subscribe(this.channel).then(
          () => {
            this.events.subscribed();
          },
          (error: unknown) => {
            // Forbidden, it would be the next time, too; anything else may have been the connection.
            if (!isReply(error)) {
              subscriber.disconnect(true);
              return;
            }
            isForbidden = true;
            this.connection.endSubscriptions?.();
            subscriber.disconnect();
            if (this.events.refused(error)) this.openIn(SUBSCRIBE_AGAIN);
          },
        );
      })
      .on('close', () => {
        this.events.lost();
      })
      .on('end', () => {
        if (this.connection.subscribesToNodes && !isForbidden) this.openIn(NEXT_NODE_DELAY);
      })
      .on('message', (_: string, message: string) => {
        this.events.message(message);
      });
    if (this.closed) subscriber.disconnect();
    else subscriber.connect().catch(() => undefined);
  }

  /** Opens it as soon as that can be done. */
  openIn(milliseconds: number): void {
    if (this.closed) return;
    clearTimeout(this.next);
    this.next = setTimeout(() => {
      try {
        this.open();
      } catch {
        this.openIn(this.taken().length > 0 ? SPARE_NODE_DELAY : NEXT_NODE_DELAY);
      }
    }, milliseconds).unref();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.next);
    this.subscriber?.disconnect();
  }
}
