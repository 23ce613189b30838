import { describe, expect, it } from '@jest/globals';
import { LockConfigurationError } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { listedKeys } from '../support/listed-keys.js';
import { rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const redis = useRawRedis();
const applications = useApplications();

const NAMESPACES = [
  '',
  '*',
  '[a-z]?\\',
  '{shop}:',
  '}{',
  '\0\n',
  'ü✓😀:',
  ' ',
  '%d-.',
  'granted 5 1 ',
  'n'.repeat(5000),
];

describe('a namespace', () => {
  it.each(NAMESPACES)('a namespace of any characters works: %j', async (namespace) => {
    const open = async () => (await applications.onRedis({ redisUrl: redis.url, namespace })).locking;
    const [here, there] = [await open(), await open()];
    const lock = await here.acquire(['a', 'b*'], { expire: '20s' });
    expect(await redis.raw.exists(`${namespace}a`, `${namespace}b*`)).toBe(2);
    expect((await listedKeys(there)).sort()).toEqual(['a', 'b*']);
    expect(await listedKeys(there, 'b\\*')).toEqual(['b*']);
    const waiting = there.acquire('a', { timeout: '20s' });
    const listening = async () => (await here.inspect('a'))?.waiters === 1;
    while (!(await listening()));
    await lock.release();
    await (await waiting).release();
    expect(await listedKeys(here)).toEqual([]);
  });

  it('a namespace sees no locks of others, whatever they look like as globs', async () => {
    const all = await Promise.all(
      NAMESPACES.slice(1).map(async (namespace) => applications.onRedis({ redisUrl: redis.url, namespace })),
    );
    for (const { locking } of all) await locking.acquire('k', { expire: '20s' });
    for (const { locking } of all) expect(await listedKeys(locking)).toEqual(['k']);
  });

  it.each(['\uD800', 'lock:\uDC00'])('may not hold half of a surrogate pair: %j', async (namespace) => {
    const error = await rejectionOf(applications.onRedis({ redisUrl: redis.url, namespace }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain('namespace must be a string without halves of surrogate pairs');
  });
});
