import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { CLI, cli } from '../support/cli.js';
import { eventually } from '../support/poll.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();

const PATIENCE = 60_000;

async function put(key: string): Promise<void> {
  const client = new Redis(redis.url);
  await client.set(`lock:${key}`, 'x', 'EX', 600);
  client.disconnect();
}

describe('the command line while its store dies', () => {
  it('watch tells of the outage once, goes on when the store is back, and tells what has changed', async () => {
    await put('before');
    const child = spawn(process.execPath, [CLI, 'watch', '--interval', '200ms', '--redis', redis.url]);
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    try {
      await eventually(() => stdout.includes('held      before'), PATIENCE);
      redis.server.kill('SIGKILL');
      await eventually(() => stderr.includes('Could not'), PATIENCE);
      await redis.server.restart();
      await put('after');
      await eventually(() => stdout.includes('acquired  after') && stdout.includes('freed     before'), PATIENCE);
      expect(stderr.match(/Could not/g)).toHaveLength(1);
      expect(stderr).toContain('The store answers again.');
    } finally {
      child.kill();
      await once(child, 'close');
    }
  });

  it('a command ends in bounded time on a server that hangs, and says so', async () => {
    redis.server.kill('SIGSTOP');
    try {
      const { code, stderr } = await cli(['list', '--redis', redis.url]);
      expect(code).toBe(3);
      expect(stderr).toMatch(/^Cannot use Redis at 127\.0\.0\.1:\d+: no answer within \d+ s\./);
    } finally {
      redis.server.kill('SIGCONT');
    }
  });
});
