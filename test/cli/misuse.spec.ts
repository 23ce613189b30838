import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { COMMANDS } from '../../lib/cli/commands/index.js';
import { run } from '../../lib/cli/run.js';
import { CLI, cli, jsonLines } from '../support/cli.js';
import { runCommand } from '../support/run-command.js';
import { usePostgresServer, rowsOf } from '../support/postgres.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();
const postgres = usePostgresServer();
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'nestjs-locking-cli-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** The command without a process of its own. */
async function inProcess(args: string[], env: Record<string, string> = {}) {
  const written = { stdout: '', stderr: '' };
  const streamOf = (name: 'stdout' | 'stderr') =>
    new PassThrough().setEncoding('utf8').on('data', (chunk: string) => (written[name] += chunk));
  const streams = { stdin: new PassThrough(), stdout: streamOf('stdout'), stderr: streamOf('stderr') };
  const code = await run(args, { ...(streams as never as typeof process), env, version: '0.0.0' });
  return { code, ...written };
}

describe('the command line', () => {
  it('help names every command and every option, and the page does', async () => {
    const page = readFileSync('docs/command-line.md', 'utf8');
    const { code, stdout } = await cli([]);
    expect(code).toBe(0);
    for (const { name, options } of COMMANDS) {
      expect(stdout).toContain(`\n  ${name} `);
      expect(page).toContain(`\`${name}`);
      for (const option of Object.keys(options)) expect(page).toContain(`--${option}`);
    }
    const help = await cli(['release', '--help']);
    expect(help.stdout).toContain('--token N');
  });

  it('runs through the link that npm makes, and tells its version', async () => {
    const link = path.join(folder, 'nestjs-locking');
    await symlink(CLI, link);
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    const { code, stdout } = await runCommand(link, ['--version'], { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${version}\n` });
  });

  it.each([
    [['lst'], 'There is no command "lst". Do you mean list?'],
    [['inspect'], 'An argument is missing: nestjs-locking inspect <key>'],
    [['inspect', ''], 'An argument is empty'],
    [['inspect', 'a', 'redis://:secret@b'], 'is one argument too many'],
    [['list', '--redsi=redis://:secret@b'], "Unknown option '--redsi'"],
    [['list', '--redis', 'http://u:secret@b'], 'is not a URL that begins with redis://'],
    [['list', '--redis', 'redis://a', '--postgres', 'postgres://u:secret@b/c'], 'either --redis or --postgres'],
    [['list', '--redis', 'redis://a', '--schema', 'x'], '--schema is an option of --postgres'],
    [['list', '--sort', 'size'], '--sort: "size" is none of key, holder'],
    [['list', '--limit', 'many'], '--limit: "many" is not a whole number'],
    [['watch', '--interval', '10ms'], '--interval: "10ms" is not a length of time'],
    [['inspect', 'nestjs-locking:fence', '--redis', 'redis://a'], 'nestjs-locking:'],
    [['list', '--env', '/nowhere/.env'], 'cannot be read'],
    [['list'], 'Which store? Give --redis URL'],
  ])('refuses %j with 2 and says what is wrong, without a secret', async (args, message) => {
    const { code, stdout, stderr } = await cli(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it.each([
    [['--redis', 'redis://127.0.0.1:1/abc'], /^--redis: Provider .* is followed by what is no number of a database/],
    [['--redis', 'http://u:secret@b'], /^--redis: Provider .* is not a URL/],
    [['--postgres', 'mysql://u:secret@b/c'], /^--postgres: Provider .* is not a URL/],
    [['--postgres', 'postgres://b/c', '--schema', 'pg_x'], /^--schema: Provider .*schema must be/],
    [['--postgres', 'postgres://b/c'], /^Environment variable LOCKING_POSTGRES_SCHEMA: Provider/],
    [[], /^Environment variable LOCKING_REDIS_URL: Provider/],
  ])('blames the option %j or the environment variable that is wrong', async (options, message) => {
    const env = { LOCKING_REDIS_URL: 'redis://127.0.0.1:1/abc', LOCKING_POSTGRES_SCHEMA: 'pg_y' };
    const { LOCKING_REDIS_URL } = env;
    const { code, stderr } = await inProcess(['list', ...options], options.length > 0 ? env : { LOCKING_REDIS_URL });
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('secret');
  });

  it.each([
    'redis://:12/sec-ret@127.0.0.1:1',
    'redis://u:12#sec-ret@127.0.0.1:1/0',
    'redis://u:12?sec-ret@127.0.0.1:1/0',
    'redis://sec-ret#x@127.0.0.1:1/0',
    'redis://sec-ret/sec-ret:x@127.0.0.1:1/0',
    'redis://u:sec-ret%zz@127.0.0.1:1/0',
    'redis://u:a \'sec-ret"@127.0.0.1:1/#',
    'redis://u:sec-ret',
    ':sec-ret@127.0.0.1:1',
    'http://u:x@sec-ret@127.0.0.1:1',
    'http://127.0.0.1:1/?password=a&sec-ret',
    'postgres://u:12/sec-ret@127.0.0.1:1/db',
    'postgres://u:12#sec-ret@127.0.0.1:1/db',
    'postgres://u:12?sec-ret@127.0.0.1:1/db',
    'postgres://u:sec-ret%zz@127.0.0.1:1/db',
  ])('shows no part of a password with unusual characters: %s', async (url) => {
    const store = url.startsWith('postgres') ? 'postgres' : 'redis';
    const variables = { [`LOCKING_${store.toUpperCase()}_URL`]: url };
    for (const { code, stdout, stderr } of [
      await inProcess(['list', `--${store}`, url]),
      await inProcess(['list'], variables),
      await inProcess(['list', `--reds=${url}`]),
      await inProcess(['inspect', 'a', url]),
      await inProcess([url]),
    ]) {
      expect({ code, stdout }).toEqual({ code: expect.any(Number), stdout: '' });
      expect(code).toBeGreaterThanOrEqual(2);
      expect(stderr).not.toMatch(/sec-ret|\b12\b/);
    }
  });

  it('connects with a password of such characters where they are encoded', async () => {
    const client = new Redis(redis.url);
    const password = `/p#a?s@s%:'"`;
    await client.acl('SETUSER', 'odd', 'on', `>${password}`, '~lock:*', '&lock:*', '+@all');
    client.disconnect();
    const url = redis.url.replace('//', `//odd:${encodeURIComponent(password)}@`);
    expect(await cli(['list', '--redis', url])).toMatchObject({ code: 0 });
  });

  it.each([
    ['redis', 'redis://:secret@127.0.0.1:1', 'Cannot use Redis at 127.0.0.1:1'],
    ['postgres', 'postgres://u:secret@127.0.0.1:1/shop', 'Cannot use PostgreSQL at 127.0.0.1:1/shop'],
  ])('ends with 3 where %s cannot be reached, and shows no password', async (store, url, message) => {
    const { code, stderr } = await cli(['list', `--${store}`, url]);
    expect(code).toBe(3);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain('secret');
  });

  it('a look at a database without tables creates none', async () => {
    const { code, stderr } = await cli(['list', '--postgres', postgres.url]);
    expect(code).toBe(2);
    expect(stderr).toContain('has no tables for locks in schema "nestjs_locking"');
    const schemas = await rowsOf(postgres.url, `SELECT 1 FROM pg_namespace WHERE nspname = 'nestjs_locking'`);
    expect(schemas).toEqual([]);
  });

  it('reads variables from a file, and what is set already wins', async () => {
    const file = path.join(folder, '.env');
    await writeFile(file, `LOCKING_REDIS_URL=${redis.url}\nLOCKING_NAMESPACE=from-file:\n`);
    const client = new Redis(redis.url);
    await client.mset('from-file:a', 'x', 'from-env:b', 'x');
    client.disconnect();
    expect(jsonLines(await cli(['list', '--json', '--env', file]))).toMatchObject([{ key: 'a' }]);
    const env = { LOCKING_NAMESPACE: 'from-env:' };
    expect(jsonLines(await cli(['list', '--json', '--env', file], env))).toMatchObject([{ key: 'b' }]);
  });

  it('shows a lock of other software as such, and releases it only as it was shown', async () => {
    const client = new Redis(redis.url);
    await client.set('lock:foreign', 'pid 7', 'EX', 600);
    const shown = await cli(['inspect', 'foreign', '--redis', redis.url]);
    expect(shown.stdout).toContain('other software, which stored pid 7');
    const released = await cli(['release', 'foreign', '--yes', '--redis', redis.url]);
    expect(released.stdout).toContain('Released foreign. It is free now.');
    expect(await client.exists('lock:foreign')).toBe(0);
    client.disconnect();
  });

  it('ends without a complaint when its reader has gone, as in list | head', async () => {
    const client = new Redis(redis.url);
    const pipeline = client.pipeline();
    for (let index = 0; index < 20_000; index += 1) pipeline.set(`many:${String(index)}`, 'x'.repeat(100));
    await pipeline.exec();
    client.disconnect();
    const child = spawn(process.execPath, [CLI, 'list', '--json', '--redis', redis.url, '--namespace', 'many:']);
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const [code] = (await once(child, 'exit')) as [number | null];
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });
});
