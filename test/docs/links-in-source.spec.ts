import { describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { anchors } from '../support/markdown.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');

const sources = readdirSync(`${root}/lib`, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.(?:ts|lua)$/.test(name))
  .map((name) => `lib/${name}`);

describe('links in docstrings and messages', () => {
  it('docstrings and messages refer to pages and sections that are published', () => {
    const dead = sources.flatMap((source) =>
      [...read(source).matchAll(/(?:(?<title>"[^"\n]+") in )?(?<page>docs\/[\w/.-]+?\.md)(?:#(?<anchor>[\w-]+))?/g)]
        .filter(({ 0: text, index, groups: { title, page = '', anchor } = {} }) => {
          if (read(source).slice(0, index).endsWith('https://') || !text) return false;
          if (!existsSync(`${root}/${page}`)) return true;
          if (anchor !== undefined) return !anchors(read(page)).has(anchor);
          return title !== undefined && !read(page).includes(`# ${title.slice(1, -1)}\n`);
        })
        .map(([text]) => `${source}: ${text}`),
    );
    expect(dead).toEqual([]);
    expect((JSON.parse(read('package.json')) as { files: string[] }).files).toContain('docs');
  });

  it('docstrings and messages refer to existing sections of the README', () => {
    const dead = sources.flatMap((source) =>
      [...read(source).matchAll(/README (?:lists|says|tells)?\s*under "([^"]+)"/g)]
        .filter(([, title = '']) => !new RegExp(`^#+ ${title}$`, 'm').test(read('README.md')))
        .map(([text]) => `${source}: ${text}`),
    );
    expect(dead).toEqual([]);
  });
});
