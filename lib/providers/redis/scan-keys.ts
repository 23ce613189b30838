import type { Redis } from 'ioredis';
import { malformedReply } from './redis-errors.js';

const SCAN_COUNT = 500;

/**
 * Yields pages of keys of one server, without blocking it. It may name a key more than once.
 *
 * @param prefix - what the keys begin with
 * @param match - a glob over what follows it
 */
export async function* scanKeys(
  server: Redis,
  prefix: string,
  type: 'string' | 'hash' | 'list',
  explain: (error: unknown) => unknown,
  match = '*',
): AsyncGenerator<string[]> {
  const pattern = prefix.replace(/[\\*?[\]]/g, '\\$&') + match;
  let cursor = '0';
  do {
    const page: unknown = await server
      .scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT, 'TYPE', type)
      .catch((error: unknown) => {
        throw explain(error);
      });
    if (!isPage(page)) throw malformedReply('SCAN');
    const [next, found] = page;
    cursor = next;
    yield found;
  } while (cursor !== '0');
}

function isPage(reply: unknown): reply is [string, string[]] {
  return Array.isArray(reply) && typeof reply[0] === 'string' && Array.isArray(reply[1]);
}
