import { describe, expect, it } from '@jest/globals';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LockBackendError, type LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { greet, useFakeRedis } from './support/fake-redis.js';

const applications = useApplications();
const startFake = useFakeRedis();

/** Expects that no call runs a job, and that each fails in time, with an error that names the cause. */
async function expectFailures(locking: LockingService, says: RegExp): Promise<void> {
  let ran = false;
  const run = (): boolean => (ran = true);
  const since = performance.now();
  const errors = await Promise.all(
    [
      locking.execute('k', run, { timeout: '2s' }),
      locking.execute(['a', 'b'], run, { timeout: '2s' }),
      locking.execute('o', run, { ownerId: 'me', timeout: '2s' }),
      locking.tryAcquire('t'),
      locking.inspect('i'),
      locking.forceRelease('f'),
      locking.release('r', { ownerId: 'me' }),
      locking.extend('e', { ownerId: 'me', expire: '1s' }),
      (async () => {
        for await (const info of locking.list()) throw new Error(`it found ${info.key}`);
        throw new Error('it found nothing');
      })(),
    ].map(rejectionOf),
  );
  expect(performance.now() - since).toBeLessThan(8000);
  for (const error of errors) {
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(says);
  }
  expect(ran).toBe(false);
}

describe('answers of a server that make no sense', () => {
  it.each([
    ['OK', '+OK\r\n'],
    ['nothing', '_\r\n'],
    ['an empty list', '*0\r\n'],
    ['a list of nothing', '*1\r\n_\r\n'],
    ['text', '$3\r\nabc\r\n'],
    ['a list of text', '*1\r\n$3\r\nabc\r\n'],
    ['a negative number', '*1\r\n:-5\r\n'],
    ['half a number', '*1\r\n,0.5\r\n'],
    ['a number too great to tell apart', '*1\r\n:9223372036854775807\r\n'],
    ['a grant of nothing', '*1\r\n*4\r\n:1\r\n_\r\n:0\r\n:0\r\n'],
    ['an answer of no kind', '*1\r\n*2\r\n:7\r\n:5\r\n'],
    ['a refusal without a time', '*1\r\n*5\r\n:0\r\n$1\r\nx\r\n:0\r\n:0\r\n:0\r\n'],
  ])('answers without sense (%s) grant nothing', async (_, reply) => {
    const fake = await startFake((command) => greet(command) ?? reply);
    const { locking } = await applications.onRedis({ redisUrl: fake.url });
    await expectFailures(
      locking,
      // ioredis 5 itself knows no types of RESP3
      /Redis answered \w+ with something that makes no sense|Redis answered fewer requests|does not speak the protocol/,
    );
    // Otherwise every cancel would be repeated until the end of the test.
    fake.answer = () => '*0\r\n';
  });

  it.each(['LOADING Redis is loading the dataset in memory', 'ERR max number of clients reached', 'WEIRD x\u001b[2J'])(
    'an error of the server with a strange text is passed on: %j',
    async (text) => {
      const fake = await startFake((command) => greet(command) ?? `-${text}\r\n`);
      const { locking } = await applications.onRedis({ redisUrl: fake.url });
      await expectFailures(locking, new RegExp(text.split(' ')[0]!));
      expect((await rejectionOf(locking.acquire('k'))).message).not.toMatch(/\p{Cc}/u);
    },
  );

  it('answers that break the protocol, or the connection, fail the call in time', async () => {
    const fake = await startFake((command) => greet(command) ?? 'what?\r\n');
    const { locking } = await applications.onRedis({ redisUrl: fake.url });
    const error = await rejectionOf(locking.acquire('k', { timeout: '2s' }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('does not speak the protocol of Redis');

    fake.answer = (command, socket) => {
      const hello = greet(command);
      if (hello === undefined) socket.destroy();
      return hello;
    };
    let failed = '';
    await eventually(async () => {
      failed = (await rejectionOf(locking.acquire('k', { timeout: '2s' }))).message;
      return failed.includes('was lost before the answer came');
    });
  });

  it('an answer with the token zero is an error', async () => {
    const fake = await startFake((command) => greet(command) ?? '*1\r\n:0\r\n');
    const { locking } = await applications.onRedis({ redisUrl: fake.url });
    expect((await rejectionOf(locking.acquire('k'))).message).toContain('makes no sense');
  });

  it('half an answer is an error', async () => {
    const fake = await startFake((command) => greet(command) ?? '*1\r\n:17');
    const { locking } = await applications.onRedis({ redisUrl: fake.url });
    let ran = false;
    const error = await rejectionOf(locking.execute('k', () => (ran = true), { timeout: '500ms' }));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('did not say within 500 ms');
    expect(ran).toBe(false);
  });
});

describe('a server that is no Redis', () => {
  it('the start, and every call, report a server that is no Redis', async () => {
    const web = createServer((_, response) => response.end('hello'));
    await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
    try {
      const redisUrl = `redis://127.0.0.1:${(web.address() as AddressInfo).port}`;
      const { locking, log } = await applications.onRedis({ redisUrl });
      expect(log.of('error')).toHaveLength(1);
      expect(log.of('error')[0]).toMatch(
        /^Connection to Redis in "locking-redis" provider failed: (Protocol error|Unknown RESP type).* \(what answers there does not speak the protocol of Redis\)\. Check host and port, /,
      );
      const error = await rejectionOf(locking.acquire('k', { timeout: '1s' }));
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toContain('does not speak the protocol of Redis');
    } finally {
      web.closeAllConnections();
      await new Promise((resolve) => web.close(resolve));
    }
  });
});
