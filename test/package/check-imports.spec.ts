import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findProblems } from '../../tools/check-imports/find-problems.mjs';
import { makeTemporaryFolder, removeFolder } from './support/temporary-folder.js';

const entry = (name: string) => ({ import: { default: `./dist/esm/${name}/index.js` } });
const optional = { optional: true };

const MANIFEST = {
  exports: {
    '.': { import: { default: './dist/esm/index.js' } },
    './schedule': entry('coordination/schedule'),
    './bullmq': entry('coordination/bullmq'),
    './package.json': './package.json',
  },
  peerDependencies: { rxjs: '*', '@nestjs/common': '*', ioredis: '*', '@nestjs/schedule': '*', bullmq: '*' },
  peerDependenciesMeta: { ioredis: optional, '@nestjs/schedule': optional, bullmq: optional },
};

describe('findProblems', () => {
  let folder = '';

  const problemsIn = async (files: Record<string, string>): Promise<readonly string[]> => {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
      await writeFile(path.join(folder, name), text);
    }
    return (await findProblems(folder, MANIFEST)).problems;
  };

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
  });

  afterEach(async () => {
    await removeFolder(folder);
  });

  it('findProblems allows Node, peers, and optional peers on demand', async () => {
    const problems = await problemsIn({
      'index.js': `import 'node:fs'; import 'fs/promises'; import { of } from 'rxjs/operators'; export * from './a.js';`,
      'a.js': `import { Inject } from '@nestjs/common'; export const load = () => import('ioredis');`,
    });
    expect(problems).toEqual([]);
  });

  it('findProblems finds an optional peer that the entry loads, and names the way to it', async () => {
    const problems = await problemsIn({
      'index.js': `export { a } from './sub/a.js';`,
      'sub/a.js': `export * from '../b.js';`,
      'b.js': `import { Redis } from 'ioredis'; export const b = Redis;`,
    });
    expect(problems).toEqual([
      'b.js: import of ioredis, an optional peer, is loaded by index.js > sub/a.js > b.js. Use "import type" or import() instead',
    ]);
  });

  it('findProblems allows an optional peer in files that the entry loads on demand', async () => {
    const problems = await problemsIn({
      'index.js': `export const load = () => import('./a.js');`,
      'a.js': `export * from 'ioredis';`,
      'testing/index.js': `import 'ioredis';`,
    });
    expect(problems).toEqual([]);
  });

  it('findProblems allows an entry point for an optional peer to import that peer only', async () => {
    const problems = await problemsIn({
      'index.js': '',
      'coordination/schedule/index.js': `import '@nestjs/schedule'; export * from '../shared.js';`,
      'coordination/bullmq/index.js': `import 'bullmq'; export * from '../shared.js';`,
      'coordination/shared.js': `import 'bullmq';`,
    });
    expect(problems).toEqual([
      'coordination/shared.js: import of bullmq, an optional peer, is loaded by coordination/schedule/index.js > coordination/shared.js. Use "import type" or import() instead',
    ]);
  });

  it('findProblems finds an optional peer that the main entry loads from the folder of another', async () => {
    const problems = await problemsIn({
      'index.js': `export { LockedCron } from './coordination/schedule/index.js';`,
      'coordination/schedule/index.js': `export * from '@nestjs/schedule';`,
    });
    expect(problems).toEqual([
      'coordination/schedule/index.js: import of @nestjs/schedule, an optional peer, is loaded by index.js > coordination/schedule/index.js. Use "import type" or import() instead',
    ]);
  });

  it.each([
    [`import 'left-pad';`, 'import of left-pad'],
    [`export * from '@scope/name/part';`, 'import of @scope/name/part'],
    [`export const load = async () => import('left-pad');`, 'import() of left-pad'],
    [`export const load = () => require('left-pad');`, 'import() of left-pad'],
  ])('findProblems refuses a package that is no peer: %s', async (text, what) => {
    const problems = await problemsIn({ 'index.js': '', 'testing/index.js': text });
    expect(problems).toEqual([`testing/index.js: ${what}, which is neither a peer dependency nor part of Node`]);
  });

  it('findProblems refuses imports that it cannot read', async () => {
    await expect(problemsIn({ 'index.js': 'import(process.argv[2]);' })).rejects.toThrow('no plain string');
  });

  it('findProblems asks for a build if there is none', async () => {
    await expect(problemsIn({ 'other.js': '' })).rejects.toThrow('npm run build');
  });
});
