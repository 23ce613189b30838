import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();
const script = fileURLToPath(new URL('heap.mjs', import.meta.url));

it('a hundred thousand locks and ten thousand waiters take a bounded heap, are served, and leave nothing', async () => {
  const env = { ...process.env, REDIS_URL: redis.url, NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', script], { env });
  const { answered, served, ...heap } = JSON.parse(stdout) as Record<string, number>;
  process.stderr.write(`heap, in bytes: ${JSON.stringify(heap)}\n`);
  expect({ answered, served }).toEqual({ answered: true, served: 10_000 });
  expect(heap.perLock).toBeLessThan(4096);
  expect(heap.perWaiter).toBeLessThan(8192);
  expect(heap.left).toBeLessThan(4_000_000);
}, 120_000);
