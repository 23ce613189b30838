import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findProblems } from '../../tools/check-imports/find-problems.mjs';
import { makeTemporaryFolder, removeFolder } from './support/temporary-folder.js';

const MANIFEST = {
  peerDependencies: { rxjs: '*', '@nestjs/common': '*', ioredis: '*' },
  peerDependenciesMeta: { ioredis: { optional: true } },
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

  it('lets Node, peers and optional peers on demand through', async () => {
    const problems = await problemsIn({
      'index.js': `import 'node:fs'; import 'fs/promises'; import { of } from 'rxjs/operators'; export * from './a.js';`,
      'a.js': `import { Inject } from '@nestjs/common'; export const load = () => import('ioredis');`,
    });
    expect(problems).toEqual([]);
  });

  it('finds an optional peer that the entry loads, and names the way to it', async () => {
    const problems = await problemsIn({
      'index.js': `export { a } from './sub/a.js';`,
      'sub/a.js': `export * from '../b.js';`,
      'b.js': `import { Redis } from 'ioredis'; export const b = Redis;`,
    });
    expect(problems).toEqual([
      'b.js: import of ioredis, an optional peer, is loaded by index.js > sub/a.js > b.js. Use "import type" or import() instead',
    ]);
  });

  it('lets what the entry does not load with itself import an optional peer', async () => {
    const problems = await problemsIn({
      'index.js': `export const load = () => import('./a.js');`,
      'a.js': `export * from 'ioredis';`,
      'testing/index.js': `import 'ioredis';`,
    });
    expect(problems).toEqual([]);
  });

  it.each([
    [`import 'left-pad';`, 'import of left-pad'],
    [`export * from '@scope/name/part';`, 'import of @scope/name/part'],
    [`export const load = async () => import('left-pad');`, 'import() of left-pad'],
    [`export const load = () => require('left-pad');`, 'import() of left-pad'],
  ])('refuses a package that is no peer: %s', async (text, what) => {
    const problems = await problemsIn({ 'index.js': '', 'testing/index.js': text });
    expect(problems).toEqual([`testing/index.js: ${what}, which is neither a peer dependency nor part of Node`]);
  });

  it('refuses what it cannot read', async () => {
    await expect(problemsIn({ 'index.js': 'import(process.argv[2]);' })).rejects.toThrow('no plain string');
  });

  it('asks for a build where there is none', async () => {
    await expect(problemsIn({ 'other.js': '' })).rejects.toThrow('npm run build');
  });
});
