import { AsyncLocalStorage } from 'node:async_hooks';
import type { Redis } from 'ioredis';

const LOOK_INTERVAL = 1000;

/** A command of a client that it has sent. */
export interface SentCommand {
  readonly command: { readonly name: string; readonly args: readonly unknown[] };
}

/** What a connection looked like when it was looked at last. */
interface Sight {
  readonly oldest: SentCommand;
  readonly bytesRead: number | undefined;
  times: number;
}

/**
 * Notices connections on which nothing arrives although an answer is owed: if packets are dropped, TCP itself takes
 * minutes to tell. It counts its checks, not time: after a stall of this process the answers in the socket are read before
 * the next check.
 *
 * ioredis does not detect this: https://github.com/redis/ioredis/issues/139, https://github.com/redis/ioredis/issues/634
 */
export class SilenceWatch {
  private readonly seen = new Map<Redis, Sight>();
  private timer?: NodeJS.Timeout;
  /** The timer must not keep the context of the call that happened to start it. */
  private readonly outside = AsyncLocalStorage.snapshot();

  /**
   * @param connections - those to look at
   * @param limit - for about how many seconds one may owe an answer
   * @param onSilent - told again after as many seconds more
   */
  constructor(
    private readonly connections: () => readonly Redis[],
    private readonly limit: number,
    private readonly onSilent: (client: Redis) => void,
  ) {}

  /** A command is sent, or a connection has begun. */
  begin(): void {
    if (this.timer) return;
    this.outside(() => {
      this.timer = setInterval(this.look, LOOK_INTERVAL).unref();
    });
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    this.seen.clear();
  }

  private readonly look = (): void => {
    const clients = this.connections();
    for (const client of this.seen.keys()) if (!clients.includes(client)) this.seen.delete(client);
    let mayOwe = false;
    for (const client of clients) {
      // It is about to be asked, or is asked now and then whether it has read its data.
      if (client.status === 'connecting' || client.status === 'connect') mayOwe = true;
      const oldest = oldestUnanswered(client);
      if (!oldest) {
        this.seen.delete(client);
        continue;
      }
      mayOwe = true;
      if (!this.isSilent(client, oldest)) continue;
      this.seen.delete(client);
      this.onSilent(client);
    }
    if (!mayOwe) this.stop();
  };

  private isSilent(client: Redis, oldest: SentCommand): boolean {
    const { bytesRead } = client.stream;
    const sight = this.seen.get(client);
    if (sight?.oldest !== oldest || sight.bytesRead !== bytesRead) {
      this.seen.set(client, { oldest, bytesRead, times: 0 });
      return false;
    }
    sight.times += 1;
    return sight.times >= this.limit;
  }
}

/** The command whose answer is due first, if any is. */
export function oldestUnanswered({ status, commandQueue }: Redis): SentCommand | undefined {
  // Commands that are left in the queue of a closed connection are sent again by the next one, if at all.
  if (status !== 'connect' && status !== 'ready') return undefined;
  return (commandQueue as { peekFront(): SentCommand | undefined }).peekFront();
}
