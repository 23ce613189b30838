import type { Redis } from 'ioredis';
import { isReply } from '../redis-errors.js';
import { oldestUnanswered, type SentCommand } from './silence-watch.js';

/** For so many seconds a connection may owe an answer: as long as calls wait for one. */
export const LONGEST_SILENCE = 5;

/** A new connection has so many milliseconds to show that the server answers. */
const PROBE_TIMEOUT = 3000;

/** Commands that a server leaves unanswered until there is something to tell. */
const BLOCKING = /^(?:b[lrz]\w+|xread(?:group)?|wait(?:aof)?)$/i;

/** Those that end with their time limit in milliseconds; 0 waits for ever. `minReplicas` sends such commands. */
const LIMITED = /^wait(?:aof)?$/i;

/**
 * Whether a silent connection of the application's own is dead. It carries commands that are not ours, and ioredis may
 * send them again on the next one, so it takes more than silence: a new connection to the same server is answered. A
 * server that is frozen or busy answers on neither. See https://github.com/redis/ioredis/issues/634
 */
export async function isDead(client: Redis): Promise<boolean> {
  const oldest = oldestUnanswered(client);
  if (!oldest || mayStayUnanswered(oldest.command)) return false;
  return (await answers(client)) && oldestUnanswered(client) === oldest;
}

function mayStayUnanswered({ name, args }: SentCommand['command']): boolean {
  if (!BLOCKING.test(name)) return false;
  const limit = LIMITED.test(name) ? Number(args.at(-1)) : 0;
  return !(limit > 0 && limit < LONGEST_SILENCE * 1000);
}

async function answers(client: Redis): Promise<boolean> {
  const probe = client.duplicate({ lazyConnect: true, enableOfflineQueue: false, retryStrategy: null });
  probe.on('error', () => undefined);
  const overdue = setTimeout(() => {
    probe.disconnect();
  }, PROBE_TIMEOUT);
  try {
    await probe.connect();
    // A client that asks nothing while it connects is ready on a frozen server, too. A refusal is an answer.
    await probe.ping().catch((error: unknown) => {
      if (!isReply(error)) throw error;
    });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(overdue);
    probe.disconnect();
  }
}
