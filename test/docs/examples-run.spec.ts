import { transform } from '@swc/core';
import { afterAll, describe, expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '../../tools/server-process/free-port.mjs';
import { codeBlocks, type CodeBlock } from '../support/markdown.js';
import { useRedisServer } from '../support/redis.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = path.join(root, '.cache', 'examples', `run-${process.pid}`);
const pages = [
  'README.md',
  ...readdirSync(`${root}/docs`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** The blocks that are whole modules. */
const modules = pages.flatMap((page) =>
  codeBlocks(readFileSync(`${root}/${page}`, 'utf8'))
    .filter(({ language, text }) => language === 'ts' && /^import /m.test(text))
    .map((block) => [`${page}:${block.line}`, block] as const),
);
/** Only a test runner can load these. */
const forJest = modules.filter(([, { text }]) => text.includes('@jest/globals'));
const forNodeTest = modules.filter(([, { text }]) => text.includes(`from 'node:test'`));
const forNode = modules.filter((module) => !forJest.includes(module) && !forNodeTest.includes(module));

/**
 * Loads a module, which runs its decorators; starts its AppModule, if it has one and does not start it by itself; asks
 * `request` twice at a time, if there is one; and ends the application as an orchestrator would.
 */
const RUNNER = `
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
const [file, starts, request] = process.argv.slice(2);
const problems = [];
const write = process.stdout.write.bind(process.stdout);
console.log = () => undefined;
for (const name of ['error', 'warn']) console[name] = (...args) => problems.push(args.join(' '));
const found = await import(file);
let app;
if (starts === 'starts' && found.AppModule) app = await NestFactory.createApplicationContext(found.AppModule, { logger: ['error', 'warn'], abortOnError: false });
if (request) {
  const ask = async () => (await fetch(request, { method: 'POST' })).text();
  while (!(await fetch(request).catch(() => undefined))) await new Promise((resolve) => setTimeout(resolve, 50));
  write(JSON.stringify((await Promise.all([ask(), ask()])).sort()));
  process.kill(process.pid, 'SIGTERM');
}
await app?.close();
if (problems.length > 0) write(problems.join('\\n'));
`;

async function compile(source: string): Promise<string> {
  const { code } = await transform(source, {
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      keepClassNames: true,
      target: 'es2022',
    },
    module: { type: 'es6' },
  });
  return code;
}

async function runExample({ text, line }: CodeBlock, redisUrl: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const port = await findFreePort();
  const source = text.replaceAll('redis://localhost:6379', redisUrl).replace('app.listen(3000)', `app.listen(${port})`);
  const code = await compile(source);
  const file = path.join(folder, `line-${line}-${port}.mjs`);
  writeFileSync(file, code);
  writeFileSync(path.join(folder, 'runner.mjs'), RUNNER);
  const isProgram = text.includes('bootstrap()');
  const args = [path.join(folder, 'runner.mjs'), file, isProgram ? 'is started' : 'starts'];
  if (isProgram) args.push(`http://127.0.0.1:${port}/orders/7/pay`);
  return new Promise((resolve) => {
    const env = { ...process.env, REDIS_URL: redisUrl, LOCKING_REDIS_URL: redisUrl, NODE_OPTIONS: '', NO_COLOR: '1' };
    execFile(process.execPath, args, { env, timeout: 60_000 }, (error, stdout, stderr) => {
      // A program that was sent SIGTERM ends by that signal once it has cleaned up.
      const failed = error && error.signal !== 'SIGTERM' ? `${error.message}\n${stderr}` : '';
      resolve(`${stdout.replace(/^.* LOG \[.*\n/gm, '')}${failed}`);
    });
  });
}

/** Runs a test file with the arguments that its runner needs, and resolves with what the runner says. */
async function runTests({ text, line }: CodeBlock, extension: string, args: readonly string[]): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `tests-${line}${extension}`);
  writeFileSync(file, `import 'reflect-metadata';\n${await compile(text)}`);
  return new Promise((resolve) => {
    const env = { ...process.env, NODE_OPTIONS: '', NODE_TEST_CONTEXT: undefined, NO_COLOR: '1' };
    execFile(process.execPath, [...args, file], { env, cwd: root, timeout: 240_000 }, (error, stdout, stderr) => {
      resolve(`${error ? 'failed' : 'passed'}\n${stdout}${stderr}`);
    });
  });
}

/** Jest itself, without the settings of this repository. */
const JEST = [
  '--experimental-vm-modules',
  path.join(root, 'node_modules/jest/bin/jest.js'),
  '--config',
  JSON.stringify({
    rootDir: folder,
    testMatch: ['**/*.mjs'],
    moduleFileExtensions: ['mjs', 'js', 'json'],
    transform: {},
  }),
  '--runTestsByPath',
];

describe('the examples of the documentation', () => {
  const redis = useRedisServer();

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('are there', () => {
    expect(modules.length).toBeGreaterThan(10);
    expect(modules.filter(([, { text }]) => text.includes('AppModule')).length).toBeGreaterThan(5);
  });

  it.each(forNode)(
    '%s runs without a complaint',
    async (_, block) => {
      const said = await runExample(block, redis.url);
      expect(said).toBe(block.text.includes('bootstrap()') ? '["already paid","paid"]' : '');
    },
    90_000,
  );

  it.each(forJest)(
    '%s passes under Jest',
    async (_, block) => {
      const said = await runTests(block, '.mjs', JEST);
      expect(said).toMatch(/^passed/);
      expect(said).toMatch(new RegExp(`Tests: +${block.text.match(/^it\(/gm)?.length} passed`));
    },
    90_000,
  );

  it.each(forNodeTest)(
    '%s passes under node:test',
    async (_, block) => {
      const said = await runTests(block, '.test.mjs', ['--test']);
      expect(said).toMatch(/^passed/);
      expect(said).toMatch(/^(?:#|ℹ) fail 0$/m);
    },
    300_000,
  );
});
