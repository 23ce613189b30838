import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { anchors, links } from '../support/markdown.js';
import { packPackage } from '../support/pack.js';
import { makeTemporaryFolder, removeFolder } from './support/temporary-folder.js';

describe('the packed package', () => {
  let folder: string | undefined;
  let files: readonly string[] = [];
  let staged = '';

  beforeAll(async () => {
    folder = await makeTemporaryFolder();
    ({ files, staged } = await packPackage(folder));
  }, 120_000);

  afterAll(async () => {
    await removeFolder(folder);
  });

  it('the package has both builds and the files that npm shows', () => {
    expect(files).toEqual(
      expect.arrayContaining([
        'package.json',
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'dist/cjs/package.json',
        'dist/esm/cli/main.js',
        ...['index', 'testing/index', 'coordination/schedule/index', 'coordination/cache/index'].flatMap((name) => [
          `dist/esm/${name}.js`,
          `dist/cjs/${name}.js`,
          `dist/esm/${name}.d.ts`,
          `dist/cjs/${name}.d.ts`,
        ]),
      ]),
    );
  });

  it('the package has no other files', () => {
    const known =
      /^(package\.json|[A-Z]+\.md|LICENSE|docs\/.+\.(md|svg|png)|docs\/monitoring\/[\w-]+\.(json|yml)|dist\/cjs\/package\.json|dist\/(esm|cjs)\/.+\.(js|d\.ts))$/;
    expect(files.filter((name) => !known.test(name))).toEqual([]);
  });

  it('the package has all files that its pages link to', () => {
    const pages = files.filter((name) => name.endsWith('.md'));
    const textOf = (page: string): string => readFileSync(path.join(staged, page), 'utf8');
    const dead = pages.flatMap((page) =>
      links(textOf(page))
        .filter((link) => !/^[a-z]+:/.test(link))
        .filter((link) => {
          const [target = '', anchor] = link.split('#');
          const file = target === '' ? page : path.posix.join(path.posix.dirname(page), target);
          return !files.includes(file) || (anchor !== undefined && !anchors(textOf(file)).has(anchor));
        })
        .map((link) => `${page}: ${link}`),
    );
    expect(dead).toEqual([]);
    expect(pages).toContain('docs/redis.md');
  });

  it('both builds have the same modules', () => {
    const modulesOf = (build: string): string[] =>
      files.filter((name) => name.startsWith(build) && !name.endsWith('.json')).map((name) => name.slice(build.length));
    expect(modulesOf('dist/esm')).toEqual(modulesOf('dist/cjs'));
  });
});
