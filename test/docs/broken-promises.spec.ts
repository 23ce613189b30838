import { describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const words = (text: string): string => text.replaceAll("\\'", "'").replace(/\s+/g, ' ');

const tests = ['test', 'lib/testing']
  .flatMap((folder) =>
    readdirSync(`${root}/${folder}`, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !name.includes('node_modules'))
      .map((name) => words(readFileSync(`${root}/${folder}/${name}`, 'utf8'))),
  )
  .join('\n');

describe('docs/internals/fault-harness.md', () => {
  it('the lines of broken promises name existing tests', () => {
    const page = readFileSync(`${root}/docs/internals/fault-harness.md`, 'utf8');
    const section = page.split(/^## /m).find((each) => each.startsWith('What fails when')) ?? '';
    const titles = [...section.matchAll(/› (?:[\w ,-]+ › )?([^›|;`]+?)(?= \(and \d| \|| *;|$)/gm)].map(
      ([, title = '']) => title.trim(),
    );
    expect(titles.length).toBeGreaterThan(10);
    expect(titles.filter((title) => !tests.includes(title))).toEqual([]);
  });
});
