import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { findRedisServer, serverNames, startRedisServer, type RedisServer } from '../../tools/redis-server/index.mjs';
import { isRunning } from '../support/processes.js';
import { useRedisServer } from '../support/redis.js';

/** Sends one inline command and gives the first line of the answer. */
async function ask(port: number, command: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(`${command}\r\n`);
  try {
    const [answer] = (await once(socket, 'data')) as [Buffer];
    return answer.toString().split('\r\n')[0] ?? '';
  } finally {
    socket.destroy();
  }
}

describe('startRedisServer', () => {
  const servers: RedisServer[] = [];
  const start = async (...args: Parameters<typeof startRedisServer>): Promise<RedisServer> => {
    const server = await startRedisServer(...args);
    servers.push(server);
    return server;
  };

  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  it('answers PING, and leaves neither process nor directory after stop()', async () => {
    const server = await start();
    expect(await ask(server.port, 'PING')).toBe('+PONG');
    expect(isRunning(server.pid)).toBe(true);
    expect(existsSync(server.dir)).toBe(true);

    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
    expect(existsSync(server.dir)).toBe(false);
    await server.stop();
    await expect(server.restart()).rejects.toThrow('watchdog');
  });

  it('gives servers that start at the same time different ports', async () => {
    const started = await Promise.all([start(), start(), start()]);
    const ports = started.map((server) => server.port);
    expect(new Set(ports).size).toBe(3);
    expect(ports).not.toContain(6379);
    for (const port of ports) expect(await ask(port, 'PING')).toBe('+PONG');
  });

  it('refuses a client without the password', async () => {
    const server = await start({ password: 'p@ss "word"' });
    expect(await ask(server.port, 'PING')).toMatch(/^-NOAUTH/);
    expect(await ask(server.port, 'AUTH "p@ss \\"word\\""')).toBe('+OK');
    expect(decodeURIComponent(new URL(server.url).password)).toBe('p@ss "word"');
  });

  it('restarts on the same port without the data, also after a crash', async () => {
    const server = await start();
    const { port, pid } = server;
    await ask(port, 'SET key value');
    server.kill('SIGKILL');

    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await ask(port, 'GET key')).toBe('$-1');
  });

  it('takes no connection once it was sent SIGKILL', async () => {
    const server = await start();
    for (let round = 0; round < 10; round++) {
      server.kill('SIGKILL');
      await expect(ask(server.port, 'PING')).rejects.toThrow('ECONNREFUSED');
      await server.restart();
    }
  });

  it('keeps the data over a restart when the config persists it', async () => {
    const server = await start({ config: { appendonly: 'yes', appendfsync: 'always' } });
    await ask(server.port, 'SET key value');
    await server.restart();
    expect(await ask(server.port, 'GET key')).toBe('$5');
  });

  it('stops a server that hangs', async () => {
    const server = await start();
    server.kill('SIGSTOP');
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
  });

  it('says what the server said when it can not start', async () => {
    await expect(start({ config: { 'no-such-directive': 'yes' } })).rejects.toThrow(/no-such-directive/);
  });

  it('does not take over the port of another server', async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toThrow(/address already in use/i);
  });
});

describe('findRedisServer', () => {
  const before = { ...process.env };
  const folders: string[] = [];

  /** A PATH on which a program by each of these names says that it is this version. */
  const usePath = (programs: Record<string, string>): void => {
    const folder = mkdtempSync(join(tmpdir(), 'nestjs-locking-path-'));
    folders.push(folder);
    for (const [name, version] of Object.entries(programs)) {
      writeFileSync(join(folder, name), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
    }
    process.env.PATH = folder;
    delete process.env.REDIS_SERVER_BIN;
    delete process.env.REDIS_SERVER;
  };

  afterEach(() => {
    for (const name of ['PATH', 'REDIS_SERVER', 'REDIS_SERVER_BIN']) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
  });

  it('runs what it finds', async () => {
    const { version } = await findRedisServer();
    expect(version).toMatch(/server v=\d/i);
  });

  it.each(['/no/such/redis-server', process.execPath])('refuses REDIS_SERVER_BIN=%s', async (command) => {
    process.env.REDIS_SERVER_BIN = command;
    await expect(findRedisServer()).rejects.toThrow(`REDIS_SERVER_BIN=${command} does not run as a Redis server: `);
    await expect(startRedisServer()).rejects.toThrow('REDIS_SERVER_BIN');
  });

  it('takes from the PATH the version that is asked for, and no other', async () => {
    usePath({ 'redis-server': 'Redis server v=7.2.4', 'valkey-server': 'Valkey server v=8.1.1' });
    expect((await findRedisServer()).version).toBe('Redis server v=7.2.4');
    expect((await findRedisServer({ version: 'valkey-8' })).version).toBe('Valkey server v=8.1.1');
    process.env.REDIS_SERVER = 'valkey-8';
    expect((await findRedisServer()).version).toBe('Valkey server v=8.1.1');
  });

  it.each(['redis', 'constructor'])('refuses REDIS_SERVER=%s, and says what there is', async (name) => {
    delete process.env.REDIS_SERVER_BIN;
    process.env.REDIS_SERVER = name;
    await expect(findRedisServer()).rejects.toThrow(`called "${name}": choose from ${serverNames.join(', ')}`);
    await expect(startRedisServer()).rejects.toThrow(`called "${name}"`);
  });
});

describe('useRedisServer', () => {
  const redis = useRedisServer();

  it('gives a running server', async () => {
    expect(await ask(redis.port, 'PING')).toBe('+PONG');
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    expect(redis.server.port).toBe(redis.port);
  });
});
