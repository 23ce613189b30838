import { existsSync } from 'node:fs';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { startSentinels, type RedisServer, type SentinelGroup } from '../../tools/redis-server/index.mjs';
import { isRunning } from '../support/processes.js';

jest.setTimeout(120_000);

describe('startSentinels', () => {
  let group: SentinelGroup | undefined;

  afterEach(async () => {
    await group?.stop();
  });

  it('moves the master on demand and after its death, and back after its return', async () => {
    group = await startSentinels();
    const [first, second] = group.servers as [RedisServer, RedisServer];
    expect(group.servers).toHaveLength(2);
    expect(group.sentinels).toHaveLength(3);
    expect(await group.master()).toBe(first);

    expect(await group.failover()).toBe(second);
    await group.settled();

    second.kill('SIGKILL');
    expect(await group.elected(second)).toBe(first);
    await second.restart();
    await group.settled();
    // It came back as what it has become, not as what it was started as.
    expect(await group.master()).toBe(first);

    const all = [...group.servers, ...group.sentinelServers];
    await group.stop();
    for (const { pid, dir } of all) expect([isRunning(pid), existsSync(dir)]).toEqual([false, false]);
  });
});
