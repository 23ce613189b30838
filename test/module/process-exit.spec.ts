import { describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startRedisServer } from '../../tools/redis-server/index.mjs';
import { useRawRedis } from '../support/raw-redis.js';

const script = fileURLToPath(new URL('./children/exits.mjs', import.meta.url));

/** Runs a process with the built package. Rejects unless it ends by itself, in time and without an error. */
async function run(plan: { options: object; hold?: boolean; wait?: boolean; close?: boolean }): Promise<string[]> {
  const { stdout } = await promisify(execFile)(process.execPath, [script, JSON.stringify(plan)], { timeout: 20_000 });
  return stdout.trim().split('\n');
}

describe('a process that locks in memory', () => {
  it('a process that locks in memory ends by itself, even with a lock held and without app.close()', async () => {
    expect(await run({ options: {}, hold: true })).toEqual(['held true', 'end of the script', 'ended at once']);
  });

  it('a process that locks in memory ends after app.close() with a waiter', async () => {
    expect(await run({ options: {}, hold: true, wait: true, close: true })).toEqual([
      'held true',
      'waiter LOCK_BACKEND',
      'end of the script',
      'ended at once',
    ]);
  });
});

describe('a process that locks on Redis', () => {
  const redis = useRawRedis();

  it('a process that locks on Redis ends after app.close(), with locks held and a waiter until then', async () => {
    const plan = { options: { redisUrl: redis.url }, hold: true, wait: true, close: true };
    expect(await run(plan)).toEqual(['held true', 'waiter LOCK_BACKEND', 'end of the script', 'ended at once']);
    expect(await redis.raw.keys('*')).toEqual(['lock:nestjs-locking:fence']);
  });

  it('a process ends after a start that failFast has failed, and after app.close() while the server is down', async () => {
    const server = await startRedisServer();
    const { url: redisUrl } = server;
    await server.stop();
    expect(await run({ options: { redisUrl, failFast: true } })).toEqual(['failed LOCK_BACKEND', 'ended at once']);
    expect(await run({ options: { redisUrl }, close: true })).toEqual(['end of the script', 'ended at once']);
  });

  it('a process ends after a start that failFast has failed for a wrong password', async () => {
    const server = await startRedisServer({ password: 'right' });
    const options = { redisUrl: server.url.replace('right', 'wrong'), failFast: true };
    expect(await run({ options })).toEqual(['failed LOCK_BACKEND', 'ended at once']);
    await server.stop();
  });
});
