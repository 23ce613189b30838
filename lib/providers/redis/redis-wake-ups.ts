import type { Redis } from 'ioredis';
import type { WakeUpListener } from '../../provider-api/index.js';
import { refusesLogin } from './credentials.js';
import type { StoreConnection } from './store-connection.js';
import type { StoreKeys } from './store-keys.js';
import { WakeUpLink } from './wake-up-link.js';

/** `granted token contended attempt key`, or `offered`, `contended` or `revoked`, `attempt key`: see `scripts/shared/queue.lua`. */
const MESSAGE = /^(?:granted (\d+) ([01])|(offered|contended|revoked)) (\S*) ([^]*)$/;

export interface WakeUpOptions {
  /** This user may not subscribe. */
  readonly onRefused: (error: Error) => void;
  /** The server does not let the connection in. Of other errors the connection for commands tells. */
  readonly onLoginRefused: (error: Error) => void;
  /** It is subscribed. */
  readonly onSubscribed: () => void;
  /** Whether a process has to ask once more when it is told of a grant. */
  readonly grantsAreOffers: boolean;
}

/**
 * Connections of their own for the messages to this process, made when a caller first has to wait: one, or two to
 * different nodes of a cluster, so that one node that hangs keeps nothing from this process. A message that comes twice
 * does no harm.
 */
export class RedisWakeUps {
  private readonly links: WakeUpLink[] = [];
  /** Those that hear now, as far as is known. */
  private readonly subscribed = new Set<WakeUpLink>();
  private heard = false;
  private closed = false;

  constructor(
    private readonly connection: StoreConnection,
    private readonly keys: StoreKeys,
    private readonly how: WakeUpOptions,
  ) {}

  /** Resolves once everything for `processId` arrives. */
  async listen(processId: string, listener: WakeUpListener): Promise<void> {
    this.endLinks();
    await new Promise<void>((resolve, reject) => {
      this.addLink(processId, listener, resolve, reject).open();
      while (this.links.length < this.connection.subscriptions) {
        this.addLink(processId, listener, resolve, reject).openIn(0);
      }
      if (this.closed) this.endLinks();
    });
  }

  close(): void {
    this.closed = true;
    this.endLinks();
  }

  private addLink(
    processId: string,
    listener: WakeUpListener,
    resolve: () => void,
    reject: (error: Error) => void,
  ): WakeUpLink {
    const { links, subscribed } = this;
    const events = {
      subscribed: (): void => {
        if (this.heard && subscribed.size === 0) listener.restored();
        subscribed.add(link);
        this.heard = true;
        this.how.onSubscribed();
        resolve();
      },
      lost: (): void => {
        subscribed.delete(link);
        if (this.heard && subscribed.size === 0) listener.interrupted();
      },
      refused: (error: Error): boolean => {
        this.how.onRefused(error);
        // `listen` has resolved, so the engine will not call it again: this link has to go on trying.
        if (this.heard) return true;
        this.endLinks();
        reject(error);
        return false;
      },
      failed: (error: Error): void => {
        if (refusesLogin(error)) this.how.onLoginRefused(error);
      },
      message: (text: string): void => {
        deliver(text, listener, this.how.grantsAreOffers);
      },
    };
    const others = (): Redis[] =>
      links.flatMap(({ subscriber }) => (subscriber && subscriber !== link.subscriber ? [subscriber] : []));
    const link: WakeUpLink = new WakeUpLink(
      this.connection,
      this.keys.channel(processId, this.connection.keyPrefix),
      events,
      others,
    );
    links.push(link);
    return link;
  }

  private endLinks(): void {
    for (const link of this.links.splice(0)) link.close();
  }
}

function deliver(message: string, listener: WakeUpListener, grantsAreOffers: boolean): void {
  const match = MESSAGE.exec(message);
  if (!match) return;
  const [, token, contended, what, attemptId = '', key = ''] = match;
  if (what === 'offered') listener.offered(key, attemptId);
  else if (what === 'contended') listener.contended(key, attemptId);
  else if (what === 'revoked') listener.lost(key, attemptId);
  else if (grantsAreOffers) listener.offered(key, attemptId);
  else listener.granted(key, attemptId, Number(token), contended === '1');
}
