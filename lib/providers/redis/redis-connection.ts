import type { Redis, RedisOptions } from 'ioredis';
import { LockConfigurationError } from '../../errors/index.js';
import { remedyOf } from '../../errors/remedy.js';
import { StoreNotReachedError } from '../../interfaces/index.js';
import { explainError } from './redis-errors.js';
import {
  connectionBroken,
  connectionClosed,
  connectionLost,
  ioredisMissing,
  notConnected,
  notReady,
} from './redis.messages.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';

const LONGEST_RECONNECT_DELAY = 500;

/** ioredis lets a process live for so long after the end of a connection that had broken by then. */
const DISCONNECT_TIMEOUT = 100;

/** A command that is not answered by this connection is never sent again by it: it must not run late, or twice. */
const NEVER_LATE = {
  lazyConnect: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
} as const satisfies RedisOptions;

/** For how long an attempt that was given up before it came is refused when it comes, in milliseconds: */
const VOID = {
  /** Nothing can come over an earlier connection any more. */
  cutOff: 5000,
  /** The server may not be told to close earlier connections, and TCP delivers what it has for up to so long. */
  open: 900_000,
};

/** The one connection for commands of a provider: its own, or the application's. */
export class RedisConnection {
  private redis?: Redis;
  private onReady?: () => void;
  private wasReady = false;
  private lastError?: Error;
  /** What the server calls the present connection. */
  private self?: { readonly id: string; readonly addr: string };

  /** See {@link VOID}. */
  voidFor = VOID.cutOff;
  private readonly closing = new AbortController();

  constructor(
    private readonly id: string,
    private readonly options: RedisLockingProviderOptions,
    private readonly warn: (message: string) => void,
  ) {}

  /** Resolves once connected. A rejection tells why not; an own connection goes on trying in the background. */
  async open(onConnected: () => void): Promise<void> {
    const client = (this.options.client as Redis | undefined) ?? (await this.create());
    if (this.closing.signal.aborted) throw new StoreNotReachedError(connectionClosed());
    this.redis = client;
    this.onReady = () => {
      this.lastError = undefined;
      this.wasReady = true;
      this.cutOffEarlier(client);
      onConnected();
    };
    client.on('error', this.noteError).on('ready', this.onReady).on('close', this.noteClose);
    if (client.status === 'ready') {
      this.onReady();
      return;
    }
    try {
      await (client.status === 'wait' ? client.connect() : untilReady(client, this.closing.signal));
    } catch (error) {
      throw this.lastError ?? error;
    }
  }

  close(): void {
    this.closing.abort();
    const client = this.redis;
    if (!client) return;
    client.off('close', this.noteClose);
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
    if (this.redis?.status === 'ready') return this.redis;
    const cause =
      this.redis?.status === 'connect' && !this.lastError ? notReady() : notConnected(this.lastError?.message);
    throw Object.assign(new StoreNotReachedError(cause), { remedy: remedyOf(this.lastError) });
  }

  /** Another client of the same server, for subscriptions; not connected yet, and its owner's to close. */
  forSubscriptions(): Redis {
    return this.client().duplicate({ ...NEVER_LATE, keyPrefix: '', autoResubscribe: false });
  }

  /** What to put in front of a key where the client does not do so itself: in SCAN. */
  get keyPrefix(): string {
    return this.redis?.options.keyPrefix ?? '';
  }

  /** Says plainly what ioredis says of a command that was under way when the connection broke. */
  explain(error: unknown): unknown {
    const lost = error instanceof Error && error.name === 'MaxRetriesPerRequestError';
    return lost ? new Error(connectionLost(), { cause: error }) : explainError(error);
  }

  /** Only the message: the error of a refused AUTH carries the password among the command's arguments. */
  private readonly noteError = (error: Error): void => {
    this.lastError = withoutCause(explainError(error) as Error);
  };

  /**
   * What was sent over an earlier connection and has not arrived yet is not to arrive at all: by now it has been given
   * up. This is the first command on a new connection, so it comes before what undoes that.
   */
  private cutOffEarlier(client: Redis): void {
    const noteRefusal = (error: unknown): void => {
      if (error instanceof Error && error.name === 'ReplyError') this.voidFor = VOID.open;
    };
    if (this.self) {
      // The address as well: after a restart or a failover the number may be somebody else's.
      client.call('CLIENT', 'KILL', 'ID', this.self.id, 'ADDR', this.self.addr).catch(noteRefusal);
    }
    this.self = undefined;
    client.call('CLIENT', 'INFO').then((info) => {
      const [, id, addr] = /\bid=(\d+) addr=(\S+)/.exec(String(info)) ?? [];
      if (id !== undefined && addr !== undefined) this.self = { id, addr };
    }, noteRefusal);
  }

  private readonly noteClose = (): void => {
    if (!this.wasReady) return;
    this.wasReady = false;
    this.warn(connectionBroken(this.id, this.lastError?.message));
  };

  private async create(): Promise<Redis> {
    const { redisUrl, redisOptions } = this.options;
    const { Redis } = await import('ioredis').catch((cause: unknown) => {
      throw new LockConfigurationError(ioredisMissing(this.id), { cause });
    });
    const options: RedisOptions = {
      retryStrategy: (attempt) => Math.min(25 * 2 ** Math.min(attempt, 10), LONGEST_RECONNECT_DELAY),
      disconnectTimeout: DISCONNECT_TIMEOUT,
      ...redisOptions,
      ...NEVER_LATE,
    };
    return redisUrl === undefined ? new Redis(options) : new Redis(withoutForced(redisUrl), options);
  }
}

/** Its cause is dropped with all that the client has attached to it. */
function withoutCause(error: Error): Error {
  return Object.assign(new Error(error.message), { remedy: remedyOf(error) });
}

/** Options in a URL would win over those given beside it. */
function withoutForced(redisUrl: string): string {
  const url = new URL(redisUrl);
  for (const name of Object.keys(NEVER_LATE)) url.searchParams.delete(name);
  return url.href;
}

/** A client of the application's own that is still on its way; nothing is left on it once `signal` aborts. */
async function untilReady(client: Redis, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const settle = (done: () => void) => (): void => {
      client.off('ready', onReady).off('close', onClose);
      signal.removeEventListener('abort', onClose);
      done();
    };
    const onReady = settle(resolve);
    const onClose = settle(() => {
      reject(new Error(`the client is ${client.status}`));
    });
    client.once('ready', onReady).once('close', onClose);
    signal.addEventListener('abort', onClose);
    if (client.status === 'end' || client.status === 'close' || client.status === 'reconnecting') onClose();
  });
}
