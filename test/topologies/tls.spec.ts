import { describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ConnectionOptions } from 'node:tls';
import {
  isLockBackendError,
  lockingOptionsFromEnv,
  RedisLockingProvider,
  type RedisLockingProviderOptions,
} from '../../lib/index.js';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { describeOnServers } from '../support/describe-on-servers.js';
import { useTlsServer, whyNoTls, type TlsServer } from '../support/tls-server.js';

jest.setTimeout(60_000);

const reason = await whyNoTls();

/** Skips the tests visibly if the server has no TLS. */
const overTls = reason === undefined ? describe : describe.skip;
if (reason !== undefined) process.stderr.write(`TLS is not tested: ${reason}\n`);

overTls(`TLS${reason === undefined ? '' : ` (${reason})`}`, () => {
  const redis = useTlsServer();
  const applications = useApplications();

  const trusted = ({ certificates: { ca, client } }: TlsServer): ConnectionOptions => ({ ca, ...client });

  const start = (tls: ConnectionOptions, options?: RedisLockingProviderOptions): Promise<StartedApplication> =>
    applications.onRedis({ redisUrl: redis().url, redisOptions: { tls }, ...options });

  it('locks and wake-ups work over TLS with the right certificates', async () => {
    const [one, two] = [await start(trusted(redis())), await start(trusted(redis()))];
    expect(one.log.of('error')).toEqual([]);
    const lock = await one.locking.acquire('k');
    const waiting = two.locking.execute('k', ({ fencingToken }) => fencingToken, { timeout: '30s' });
    await eventually(async () => (await one.locking.inspect('k'))?.waiters === 1);
    await lock.release();
    expect(await waiting).toBeGreaterThan(lock.fencingToken);
  });

  it('TLS works with redisOptions alone: rediss:// in a URL means no more than tls', async () => {
    const { locking } = await applications.onRedis({
      redisUrl: redis().url.replace('rediss:', 'redis:'),
      redisOptions: { tls: trusted(redis()) },
    });
    expect(await locking.execute('k', () => 'ran')).toBe('ran');
  });

  it('TLS works by environment variables, which name files', async () => {
    const { certificates, url } = redis();
    const folder = await mkdtemp(path.join(tmpdir(), 'nestjs-locking-tls-env-'));
    try {
      const { ca, client } = certificates;
      const files = { CA: ca, CERT: client.cert, KEY: client.key };
      const named = Object.entries(files).map(async ([name, text]): Promise<[string, string]> => {
        const file = path.join(folder, name);
        await writeFile(file, text);
        return [`LOCKING_REDIS_TLS_${name}`, file];
      });
      const variables = Object.fromEntries(await Promise.all(named));
      const options = lockingOptionsFromEnv({ LOCKING_REDIS_URL: url, LOCKING_FAIL_FAST: 'true', ...variables });
      const { locking } = await applications.withLocks(options);
      expect(await locking.execute('k', () => 'ran')).toBe('ran');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['a server that nobody vouches for', ({ certificates: { client } }: TlsServer) => client, /tls\.ca$/],
    [
      'another authority',
      ({ certificates: { otherCa, client } }: TlsServer) => ({ ca: otherCa, ...client }),
      /certificate in certificate chain: no authority .* give the one that signed it as redisOptions\.tls\.ca$/,
    ],
    [
      'no client certificate',
      ({ certificates: { ca } }: TlsServer) => ({ ca }),
      /the server most likely asks for a client certificate; give one as redisOptions\.tls\.cert and key$/,
    ],
  ])('a call with %s says so, and runs nothing', async (_, tls, expected) => {
    const { locking, log } = await start(tls(redis()));
    expect(log.of('log')).toEqual([]);
    const [line = ''] = log.of('error');
    expect(line.replace(/\. Locked calls fail with LockBackendError until it is there$/, '')).toMatch(expected);
    const job = jest.fn();
    const error = await rejectionOf(locking.execute('k', job));
    expect(isLockBackendError(error)).toBe(true);
    expect(/not connected to Redis \((.*)\)\. Check/.exec(error.message)?.[1]).toMatch(expected);
    expect(job).not.toHaveBeenCalled();
  });

  it('the error says so if the server expects TLS and the URL does not mention it', async () => {
    const { log } = await applications.onRedis({ redisUrl: redis().url.replace('rediss:', 'redis:') });
    expect(log.of('error')).toEqual([
      expect.stringContaining('if the server expects TLS, give a redisUrl that begins'),
    ]);
  });

  describeOnServers('RedisLockingProvider over TLS', async (namespace) => {
    const options = { redisUrl: redis().url, redisOptions: { tls: trusted(redis()) }, namespace };
    const provider = new RedisLockingProvider(options, { id: 'locking-redis', warn: () => undefined });
    await provider.connect(() => undefined);
    return provider;
  });
});
