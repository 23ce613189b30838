import type { Redis } from 'ioredis';
import { LockConfigurationError } from '../../errors/index.js';
import { remedyOf, withRemedy } from '../../errors/remedy.js';
import { StoreNotReachedError } from '../../provider-api/index.js';
import { sayWhy } from './connection-error.js';
import { LONGEST_RECONNECT_DELAY, NEVER_LATE, ownOptions, withoutForced } from './connection-options.js';
import { copyCredentials, Credentials, refusesLogin } from './credentials.js';
import { connectOnce, untilReady } from './first-connection.js';
import { FormerConnections } from './former-connections.js';
import { explainError } from './redis-errors.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';
import {
  clientEnded,
  connectionBroken,
  connectionClosed,
  connectionLost,
  forCommands,
  ioredisMissing,
  loginRefused,
  notConnected,
  notReady,
  silent,
  silentForGood,
} from './redis.messages.js';
import { SentinelWatch } from './ioredis-workarounds/sentinel-watch.js';
import { serverOf } from './server-of.js';
import { SilenceWatch } from './ioredis-workarounds/silence-watch.js';
import { LONGEST_SILENCE, isDead } from './ioredis-workarounds/silent-connection.js';
import type { StoreConnection } from './store-connection.js';

/** How ioredis begins to say that the connection of a command was lost. Its errors have no names in a minified bundle. */
const GIVEN_UP = 'Reached the max retries per request limit';

/** What ioredis says of a command while the connection is breaking. */
const NOT_WRITABLE = "Stream isn't writeable";

/** Of a subscription that has just been made, whether it is at the same server is looked at so much later, in ms. */
const LOOK_LATER = 1000;

/** A server that takes no writes is left for another one, but not more often than this, in milliseconds. */
const SHORTEST_STAY = 1000;

/** The one connection for commands of a provider: its own, or the application's. */
export class RedisConnection implements StoreConnection {
  readonly subscribesToNodes = false;
  readonly subscriptions = 1;
  private redis?: Redis;
  private onReady?: () => void;
  private readyAt?: number;
  private hasBeenReady = false;
  private lastError?: Error;
  /** The application has been warned of a silent client of its own. */
  private isTooSilent = false;
  private readonly former = new FormerConnections();
  private readonly credentials?: Credentials;
  /** Whether it was ready once: what hinders the first connection is told where it is awaited. */
  private hasWorked = false;
  private isRefused = false;

  private subscriber?: Redis;
  /** For which connection for commands the subscriber was made to connect again. */
  private broughtAlong?: number;
  private sentinels?: SentinelWatch;
  /** Where the sentinels say the master is now, heard while connecting. */
  private movedTo?: string;

  private readonly closing = new AbortController();
  private readonly silence = new SilenceWatch(
    () => (this.redis ? [this.redis] : []),
    LONGEST_SILENCE,
    (client) => {
      void this.replaceSilent(client);
    },
  );

  constructor(
    private readonly id: string,
    private readonly options: RedisLockingProviderOptions,
    private readonly warn: (message: string) => void,
  ) {
    if (options.credentials) {
      this.credentials = new Credentials(options.credentials, (error) => {
        this.noteError(error);
      });
    }
  }

  /** Resolves once connected. A rejection tells why not; an own connection goes on trying in the background. */
  async open(onConnected: () => void, onReplaced: () => void): Promise<void> {
    const client = (this.options.client as Redis | undefined) ?? (await this.create());
    if (this.closing.signal.aborted) throw new StoreNotReachedError(connectionClosed());
    this.redis = client;
    this.onReady = () => {
      this.lastError = undefined;
      this.isTooSilent = this.isRefused = false;
      this.hasWorked = true;
      this.readyAt = performance.now();
      const { movedTo } = this;
      this.movedTo = undefined;
      if (movedTo !== undefined) this.moveTo(movedTo);
      const cutOff = this.former.cutOff(client);
      this.bringAlong();
      onConnected();
      // Behind one name or address there may be another server each time. The requests that are repeated there include
      // cancels, which have to outlast the commands that may still arrive over the connections before.
      if (this.hasBeenReady) {
        void cutOff.then(() => {
          if (!this.closing.signal.aborted) onReplaced();
        });
      }
      this.hasBeenReady = true;
    };
    client.on('error', this.noteError).on('ready', this.onReady).on('close', this.noteClose);
    client.on('connect', this.noteConnect).on('end', this.noteEnd);
    if (client.status === 'ready') {
      this.onReady();
      return;
    }
    try {
      await (client.status === 'wait' ? connectOnce(client) : untilReady(client, this.closing.signal));
    } catch (error) {
      throw this.lastError ?? error;
    }
  }

  close(): void {
    this.closing.abort();
    this.sentinels?.close();
    this.silence.stop();
    const client = this.redis;
    if (!client) return;
    client.off('close', this.noteClose).off('connect', this.noteConnect).off('end', this.noteEnd);
    if (this.onReady) client.off('ready', this.onReady);
    if (this.options.client) {
      client.off('error', this.noteError);
      return;
    }
    client.disconnect();
  }

  /**
   * The client, to send something at once.
   *
   * @throws StoreNotReachedError when nothing can be sent now
   */
  client(): Redis {
    if (this.redis?.status === 'ready') {
      this.silence.begin();
      return this.redis;
    }
    const cause =
      this.redis?.status === 'connect' && !this.lastError ? notReady() : notConnected(this.lastError?.message);
    throw withRemedy(new StoreNotReachedError(cause), remedyOf(this.lastError));
  }

  current(): unknown {
    return this.redis?.stream;
  }

  get tombstoneTtl(): number {
    return this.former.tombstoneTtl;
  }

  masters(): readonly Redis[] {
    return [this.client()];
  }

  /** Another client of the same server, for subscriptions; not connected yet, and its owner's to close. */
  forSubscriptions(): Redis {
    const subscriber = this.client().duplicate({ ...NEVER_LATE, keyPrefix: '', autoResubscribe: false });
    this.subscriber = subscriber;
    this.revive(subscriber, () => this.subscriber === subscriber);
    this.logIn(subscriber);
    const client = this.client();
    // Before it connects again: the application may have given its client another password since.
    if (this.options.client) {
      subscriber.on('close', () => {
        copyCredentials(client, subscriber);
      });
    }
    // As long as the server believes in the one before, it takes this process for one that listens.
    const former = new FormerConnections();
    subscriber.on('ready', () => {
      void former.cutOff(subscriber);
      setTimeout(this.bringAlong, LOOK_LATER).unref();
    });
    return subscriber;
  }

  /** Leaves the client for subscriptions alone: it may not subscribe. */
  endSubscriptions(): void {
    this.subscriber?.disconnect();
    this.subscriber = undefined;
  }

  /** What to put in front of a key where the client does not do so itself: in SCAN. */
  get keyPrefix(): string {
    return this.redis?.options.keyPrefix ?? '';
  }

  /** Says plainly what ioredis or Redis says of a command. */
  explain(error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    if (error.message.startsWith(GIVEN_UP)) return new Error(connectionLost(), { cause: error });
    if (error.message.startsWith(NOT_WRITABLE))
      return new Error(notConnected(this.lastError?.message), { cause: error });
    if (error.message.startsWith('READONLY')) this.leaveReplica();
    return explainError(error);
  }

  /** Only the message: the error of a refused AUTH carries the password among the command's arguments. */
  private readonly noteError = (error: Error): void => {
    // Of ioredis' own first commands on a connection that has just broken: the cause came before.
    if (this.lastError && error.message.startsWith(NOT_WRITABLE)) return;
    const { redis, readyAt } = this;
    const explained = explainError(error) as Error;
    // Of a connection that worked, or of what Redis itself says, the cause is another one.
    const isOfConnecting = explained === error && readyAt === undefined;
    const message = isOfConnecting ? sayWhy(error, Boolean(redis?.options.tls)) : explained.message;
    // Its own cause is dropped with all that the client has attached to it.
    const remedy = remedyOf(explained);
    this.lastError = withRemedy(new Error(message), remedy);
    if (!this.hasWorked || this.isRefused || !refusesLogin(error)) return;
    this.isRefused = true;
    this.warn(loginRefused(this.id, forCommands(), message, remedy ?? ''));
  };

  /** On a connection that is dark from its beginning not even ioredis' own first commands are answered. */
  private readonly noteConnect = (): void => {
    this.silence.begin();
  };

  private async replaceSilent(client: Redis): Promise<void> {
    const { client: own } = this.options;
    if (own && (this.isTooSilent || !(await isDead(client)) || this.closing.signal.aborted)) return;
    if (own && typeof client.options.retryStrategy !== 'function') {
      // To close it would be its end.
      this.isTooSilent = true;
      this.warn(silentForGood(this.id));
      return;
    }
    this.lastError = new Error(silent(LONGEST_SILENCE));
    client.disconnect(true);
  }

  private readonly noteClose = (): void => {
    if (this.readyAt === undefined) return;
    this.readyAt = undefined;
    // Of a client that will not connect again, that is told by `noteEnd`.
    if (!this.hasEnded) this.warn(connectionBroken(this.id, this.lastError?.message));
  };

  /** The application's own client gives up: its `retryStrategy` says so, or the application has closed it. */
  private readonly noteEnd = (): void => {
    if (!this.hasEnded) return;
    this.lastError = new Error(clientEnded());
    this.warn(connectionBroken(this.id, this.lastError.message));
  };

  private get hasEnded(): boolean {
    return this.options.client !== undefined && this.redis?.status === 'end';
  }

  /** The master is a replica now: the name that led here, or the sentinels, lead to the new one. */
  private leaveReplica(): void {
    const since = this.readyAt ?? Infinity;
    if (!this.options.client && performance.now() - since >= SHORTEST_STAY) this.redis?.disconnect(true);
  }

  /** A sentinel says that the master is at this address from now on. */
  private readonly moveTo = (address: string): void => {
    const client = this.redis;
    if (!client) return;
    if (client.status !== 'ready' && client.status !== 'connect') this.movedTo = address;
    // Where addresses are translated (`natMap`) it may be the same server: then this is once too often.
    else if (serverOf(client) !== address) client.disconnect(true);
  };

  /**
   * A subscription on a former master, now a replica, still hears, but is not counted by `PUBLISH` on the new one: its
   * process would count as gone, and lose its queue entries.
   */
  private readonly bringAlong = (): void => {
    const { redis, subscriber } = this;
    if (redis?.status !== 'ready' || subscriber?.status !== 'ready') return;
    if (serverOf(redis) === serverOf(subscriber)) return;
    // One name may stand for many addresses of one server: to connect again and again would not help.
    if (!redis.options.sentinels && this.broughtAlong === this.readyAt) return;
    this.broughtAlong = this.readyAt;
    subscriber.disconnect(true);
  };

  private async create(): Promise<Redis> {
    const { redisUrl } = this.options;
    const { Redis } = await import('ioredis').catch((cause: unknown) => {
      throw new LockConfigurationError(ioredisMissing(this.id), { cause });
    });
    const options = ownOptions(this.options);
    if (options.sentinels && !this.closing.signal.aborted) {
      this.sentinels = new SentinelWatch(options, this.moveTo);
      this.sentinels.start((settings) => new Redis(settings));
    }
    const client = redisUrl === undefined ? new Redis(options) : new Redis(withoutForced(redisUrl), options);
    this.revive(client, () => true);
    this.logIn(client);
    return client;
  }

  private logIn(client: Redis): void {
    const { credentials } = this;
    credentials?.attach(client, () => {
      credentials.applyTo(client);
    });
  }

  /**
   * Goes on where ioredis gives up for good: with sentinels when it is disturbed while it asks them, and where the
   * `retryStrategy` says so, which a duplicate has from the application's client.
   */
  private revive(client: Redis, isWanted: () => boolean): void {
    client.on('end', () => {
      setTimeout(() => {
        if (!this.closing.signal.aborted && isWanted() && client.status === 'end')
          client.connect().catch(() => undefined);
      }, LONGEST_RECONNECT_DELAY).unref();
    });
  }
}
