import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { findRedisServer, serverNames, startRedisServer, type RedisServer } from '../../tools/redis-server/index.mjs';
import { isRunning } from '../support/processes.js';
import { useRedisServer } from '../support/redis.js';

/** Sends one inline command; returns the first line of the answer. */
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

  it('a started server answers PING, and leaves neither process nor directory after stop()', async () => {
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

  it('servers that start at the same time have different ports', async () => {
    const started = await Promise.all([start(), start(), start()]);
    const ports = started.map((server) => server.port);
    expect(new Set(ports).size).toBe(3);
    expect(ports).not.toContain(6379);
    for (const port of ports) expect(await ask(port, 'PING')).toBe('+PONG');
  });

  it('a started server refuses a client without the password', async () => {
    const server = await start({ password: 'p@ss "word"' });
    expect(await ask(server.port, 'PING')).toMatch(/^-NOAUTH/);
    expect(await ask(server.port, 'AUTH "p@ss \\"word\\""')).toBe('+OK');
    expect(decodeURIComponent(new URL(server.url).password)).toBe('p@ss "word"');
  });

  it('a server restarts on the same port without its data, also after a crash', async () => {
    const server = await start();
    const { port, pid } = server;
    await ask(port, 'SET key value');
    server.kill('SIGKILL');

    await server.restart();
    expect(server.port).toBe(port);
    expect(server.pid).not.toBe(pid);
    expect(await ask(port, 'GET key')).toBe('$-1');
  });

  it('a server takes no connection once it was sent SIGKILL', async () => {
    const server = await start();
    for (let round = 0; round < 10; round++) {
      server.kill('SIGKILL');
      await expect(ask(server.port, 'PING')).rejects.toThrow('ECONNREFUSED');
      await server.restart();
    }
  });

  it('a server keeps its data over a restart if its config persists it', async () => {
    const server = await start({ config: { appendonly: 'yes', appendfsync: 'always' } });
    await ask(server.port, 'SET key value');
    await server.restart();
    expect(await ask(server.port, 'GET key')).toBe('$5');
  });

  it('stop() ends a server that hangs', async () => {
    const server = await start();
    server.kill('SIGSTOP');
    await server.stop();
    expect(isRunning(server.pid)).toBe(false);
  });

  it('the error of a server that cannot start contains its output', async () => {
    await expect(start({ config: { 'no-such-directive': 'yes' } })).rejects.toThrow(/no-such-directive/);
  });

  it('startRedisServer does not use the port of another server', async () => {
    const { port } = await start();
    await expect(start({ port })).rejects.toThrow(/address already in use/i);
  });
});

describe('findRedisServer', () => {
  const before = { ...process.env };
  const folders: string[] = [];

  /** Makes a PATH with programs of these names, which print these versions. */
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

  it('findRedisServer runs the program that it finds', async () => {
    const { version } = await findRedisServer();
    expect(version).toMatch(/server v=\d/i);
  });

  it.each(['/no/such/redis-server', process.execPath])('refuses REDIS_SERVER_BIN=%s', async (command) => {
    process.env.REDIS_SERVER_BIN = command;
    await expect(findRedisServer()).rejects.toThrow(`REDIS_SERVER_BIN=${command} does not run as a Redis server: `);
    await expect(startRedisServer()).rejects.toThrow('REDIS_SERVER_BIN');
  });

  it('findRedisServer takes only the requested version from the PATH', async () => {
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

  it('useRedisServer gives a running server', async () => {
    expect(await ask(redis.port, 'PING')).toBe('+PONG');
    expect(redis.url).toBe(`redis://127.0.0.1:${redis.port}`);
    expect(redis.server.port).toBe(redis.port);
  });
});
