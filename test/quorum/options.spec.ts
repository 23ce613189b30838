import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { inspect } from 'node:util';
import { isLockConfigurationError, LockBackendError, RedisQuorumLockingProvider } from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useQuorum } from './support.js';

const quorum = useQuorum(4);

async function refusal(options: object): Promise<string> {
  const providers = [{ resolve: RedisQuorumLockingProvider, id: 'lp_shop', options }];
  const error = await rejectionOf(quorum.withLocks({ providers }));
  expect(isLockConfigurationError(error)).toBe(true);
  expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('S3cret');
  return error.message;
}

const three = ['redis://a', 'redis://b', 'redis://c'];

describe('nodes', () => {
  it.each([{}, { nodes: 'redis://a' }, { nodes: null }])('are missing in %j', async (options) => {
    expect(await refusal(options)).toMatch(/^Provider "shop": nodes must be an array of at least 3 Redis servers/);
  });

  it('a quorum must have at least three nodes', async () => {
    expect(await refusal({ nodes: three.slice(1) })).toMatch(
      /^Provider "shop": nodes names 2 server\(s\), and a quorum/,
    );
  });

  it.each([
    ['redis://a:6379', 'redis://A'],
    ['redis://a/0', 'redis://user:S3cret@a:6379/5'],
    ['redis://localhost:7000', { redisUrl: 'redis://127.0.0.1:7000', redisOptions: { db: 3 } }],
  ])('two nodes may not be the same server: %j and %j', async (one, other) => {
    expect(await refusal({ nodes: [one, 'redis://b', other] })).toMatch(
      /^Provider "shop": nodes names the server \S+ twice\. Each has one vote/,
    );
  });

  it('a node of a quorum may not be a cluster', async () => {
    const clusters = ['a', 'b', 'c'].map((host) => new Cluster([{ host }], { lazyConnect: true }));
    expect(await refusal({ nodes: clusters.map((client) => ({ client })) })).toMatch(
      /^Provider "shop": nodes\[0\] is a Redis Cluster\. A node of a quorum is one server/,
    );
  });

  it('two nodes may not have the same client', async () => {
    const client = new Redis({ lazyConnect: true, host: 'a' });
    expect(await refusal({ nodes: [{ client }, 'redis://b', { client }] })).toContain('names the server a:6379 twice');
    expect(await refusal({ nodes: [{ client }, 'redis://b', 'redis://a'] })).toContain('names the server a:6379 twice');
  });

  it.each([5, null, new URL('redis://a'), new Redis({ lazyConnect: true })])('refuse %p', async (node) => {
    expect(await refusal({ nodes: ['redis://a', node, 'redis://c'] })).toMatch(
      /^Provider "shop": nodes\[1\] must be a URL/,
    );
  });

  it('nodes refuse unknown options', async () => {
    expect(await refusal({ nodes: ['redis://a', { url: 'redis://b' }, 'redis://c'] })).toBe(
      'Provider "shop": "url" is not an option of nodes[1]. Known are: redisUrl, redisOptions, client, credentials.',
    );
  });

  it.each([
    ['redis://user:S3cret@ho st:6379', /^Provider "shop \(nodes\[2\]\)": redisUrl ".*\*\*\*.*" is not a URL/],
    ['http://user:S3cret@c', /^Provider "shop \(c:6379\)": redisUrl ".*\*\*\*.*" is not a URL/],
    ['', /^Provider "shop \(nodes\[2\]\)": redisUrl is missing/],
  ])('nodes refuse %j, and show no secret', async (url, message) => {
    expect(await refusal({ nodes: ['redis://a', 'redis://b', url] })).toMatch(message);
  });
});

describe('nodeTimeout', () => {
  it.each([
    ['1ms', /^Provider "shop": nodeTimeout: "?'?1ms'?"? is too short; it must be at least 10 ms/],
    ['5s', /^Provider "shop": nodeTimeout must be at most 2000 ms/],
    [200, /^Provider "shop": nodeTimeout must be at most 2000 ms/],
    ['soon', /^Provider "shop": nodeTimeout: /],
  ])('nodeTimeout refuses %j', async (nodeTimeout, message) => {
    expect(await refusal({ nodes: three, nodeTimeout })).toMatch(message);
  });
});

describe('the connections', () => {
  it('the connections to all nodes are logged together', async () => {
    const { log, locking } = await quorum.open({ nodes: quorum.urls().slice(1) });
    expect(log.of('log')).toEqual([
      'Connection to a majority of Redis nodes in "locking-redis-quorum" provider established',
    ]);
    expect(log.of('warn')).toEqual([]);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('existing clients of the application stay open', async () => {
    const clients = quorum.urls().map((url) => new Redis(url));
    const nodes = clients.slice(1).map((client) => ({ client }));
    const { app, locking } = await quorum.open({ nodes });
    expect(await locking.execute('k', () => 1)).toBe(1);
    await app.close();
    for (const client of clients) {
      expect(await client.ping()).toBe('PONG');
      client.disconnect();
    }
  });

  it('an even number of nodes causes a warning', async () => {
    const { log } = await quorum.open();
    expect(log.of('warn')).toEqual([
      '"locking-redis-quorum" has 4 Redis nodes, which survive no more failures than 3. Use an odd number',
    ]);
  });

  it('the loss and the return of connections are reported node by node', async () => {
    const { log } = await quorum.open({ nodes: quorum.urls().slice(1) });
    const name = `Redis node 127.0.0.1:${String(quorum.servers[3]?.port)} in "locking-redis-quorum" provider`;
    quorum.servers[3]?.kill('SIGKILL');
    await eventually(() => log.of('warn').length === 1);
    await quorum.servers[3]?.restart();
    await eventually(() => log.of('warn').length === 2);
    expect(log.of('warn')[0]).toMatch(new RegExp(`^Connection to ${name} lost.*\\. 2 of 3 nodes are connected$`));
    expect(log.of('warn')[1]).toBe(`${name} is there again. 3 of 3 nodes are connected`);
    expect(log.of('log')).toHaveLength(1);
  });

  it('a minority of nodes that is down at the start does not matter, with failFast either', async () => {
    quorum.servers[3]?.kill('SIGKILL');
    const { log, locking } = await quorum.open({ nodes: quorum.urls().slice(1), failFast: true });
    expect(log.of('log')).toHaveLength(1);
    expect(log.of('warn')).toEqual([
      expect.stringMatching(
        /^Connection to Redis node 127\.0\.0\.1:\d+ in "locking-redis-quorum" provider failed: connect ECONNREFUSED/,
      ),
    ]);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('a majority of nodes that is down at the start is an error without secrets, until it is back', async () => {
    quorum.servers[2]?.kill('SIGKILL');
    quorum.servers[3]?.kill('SIGKILL');
    const nodes = quorum
      .urls()
      .slice(1)
      .map((url) => url.replace('redis://', 'redis://default:S3cret@'));
    const failing = await rejectionOf(quorum.open({ nodes, failFast: true }));
    expect(failing).toBeInstanceOf(LockBackendError);
    expect(inspect(failing, { depth: Infinity, showHidden: true })).not.toContain('S3cret');

    const { log, locking } = await quorum.open({ nodes: quorum.urls().slice(1) });
    expect(log.of('error')).toEqual([
      expect.stringMatching(
        /^Connection to a majority of Redis nodes in .* failed: only \d of 3 Redis nodes are connected/,
      ),
    ]);
    expect(await rejectionOf(locking.execute('k', () => 1))).toBeInstanceOf(LockBackendError);
    await Promise.all([quorum.servers[2]?.restart(), quorum.servers[3]?.restart()]);
    await eventually(() => log.of('log').length === 1);
    expect(await locking.execute('k', () => 1)).toBe(1);
    expect(inspect(log.lines, { depth: Infinity, showHidden: true })).not.toContain('S3cret');
  });

  it('a node that refuses the password is reported without the password', async () => {
    const nodes = quorum.urls().slice(1);
    nodes[0] = nodes[0]!.replace('redis://', 'redis://someone:S3cret@');
    const { log, locking } = await quorum.open({ nodes });
    expect(log.of('warn')).toEqual([expect.stringContaining('WRONGPASS')]);
    expect(await locking.execute('k', () => 1)).toBe(1);
    expect(inspect(log.lines, { depth: Infinity, showHidden: true })).not.toContain('S3cret');
  });
});
