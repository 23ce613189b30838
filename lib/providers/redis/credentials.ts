import type { Cluster, Redis } from 'ioredis';
import { onOneLine } from '../../errors/quote.js';
import { LONGEST_RECONNECT_DELAY } from './connection-options.js';
import { badCredentials, connectionClosed, credentialsFailed, noCredentialsYet } from './redis.messages.js';
import type { RedisCredentials, RedisCredentialsFunction } from './redis-options.interface.js';

/** Credentials that take longer than so many milliseconds count as a failure. */
const LONGEST_WAIT = 5000;

/** Asks for credentials before each connection, so that one that is made after a rotation has the new ones. */
export class Credentials {
  private known?: RedisCredentials;

  /** @param onFailure - told what the function rejected with; the credentials it named last are used again */
  constructor(
    private readonly read: RedisCredentialsFunction,
    private readonly onFailure: (error: Error) => void,
  ) {}

  /** Whenever `client` connects, by itself or by ioredis, it asks first. */
  attach(client: Redis | Cluster, apply: () => void): void {
    const connect: () => Promise<void> = client.connect.bind(client);
    const disconnect = client.disconnect.bind(client);
    /** One at a time: ioredis knows of it only once it has begun itself. */
    let attempt: { readonly done: Promise<void>; isOver: boolean } | undefined;
    const logIn = async (): Promise<void> => {
      await this.refresh();
      // Meanwhile it may have been closed.
      if (!attempt || attempt.isOver) throw new Error(connectionClosed());
      attempt = undefined;
      if (!this.known) {
        connectLater();
        throw new Error(noCredentialsYet());
      }
      apply();
      return connect();
    };
    let retry: NodeJS.Timeout | undefined;
    const connectLater = (): void => {
      retry = setTimeout(() => {
        client.connect().catch(() => undefined);
      }, LONGEST_RECONNECT_DELAY).unref();
    };
    client.connect = async (): Promise<void> => {
      if (attempt && !attempt.isOver) return attempt.done;
      clearTimeout(retry);
      attempt = { done: Promise.resolve().then(logIn), isOver: false };
      return attempt.done;
    };
    client.disconnect = (reconnect = false): void => {
      if (!reconnect) {
        clearTimeout(retry);
        if (attempt) attempt.isOver = true;
      }
      disconnect(reconnect);
    };
  }

  /** Asks for those that are valid now. */
  async refresh(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => {
          reject(new Error(`no answer within ${String(LONGEST_WAIT)} ms`));
        }, LONGEST_WAIT);
      });
      const told: unknown = await Promise.race([this.read(), late]);
      if (!isCredentials(told)) throw new Error(badCredentials());
      this.known = told;
    } catch (error) {
      this.onFailure(new Error(credentialsFailed(onOneLine(error instanceof Error ? error.message : String(error)))));
    } finally {
      clearTimeout(timer);
    }
  }

  applyTo({ options }: Redis): void {
    if (this.known) Object.assign(options, { username: this.known.username, password: this.known.password });
  }
}

/** Has `follower` log in as `leader` would, if that connected now. */
export function copyCredentials({ options: from }: Redis, { options: to }: Redis): void {
  const { username, password, sentinelUsername, sentinelPassword } = from;
  Object.assign(to, { username, password, sentinelUsername, sentinelPassword });
}

/** Whether a server has refused a connection because of who makes it. */
export function refusesLogin({ message }: Error): boolean {
  return /^(?:WRONGPASS|NOAUTH|NOPERM) /.test(message);
}

function isCredentials(value: unknown): value is RedisCredentials {
  const { username, password } = (value ?? {}) as Partial<RedisCredentials>;
  return typeof password === 'string' && (username === undefined || typeof username === 'string');
}
