import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMON_OPTION_NAMES, readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import * as errors from '../../lib/errors/index.js';
import { InMemoryLockingProvider, RedisLockingProvider, RedisQuorumLockingProvider } from '../../lib/index.js';
import { compileExamples } from './compile-examples.js';
import { anchors, codeBlocks, codeOf, links, tableRows, type CodeBlock } from '../support/markdown.js';
import { publicSurface, type PublicSurface } from './public-surface.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');

const readme = read('README.md');
const options = read('docs/options.md');
const docs = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
/** The pages for users, without those about internals. */
const guide = docs.filter((name) => !name.startsWith('docs/internals/'));
const code = guide.map((name) => codeOf(read(name))).join('\n');

/** The `names` that do not occur as code in `within`, by default all pages for users. */
function unmentioned(names: readonly string[], within = code): string[] {
  return names.filter((name) => !new RegExp(`(?<![\\w$])${name.replace('$', '\\$')}(?![\\w$])`).test(within));
}

describe('the pages of docs/', () => {
  let lib: PublicSurface;
  let testing: PublicSurface;

  beforeAll(() => {
    lib = publicSurface(`${root}/lib/index.ts`);
    testing = publicSurface(`${root}/lib/testing/index.ts`);
  }, 120_000);

  it('the pages mention every export of the package', () => {
    expect(lib.names).toContain('LockingService');
    expect(testing.names).toContain('LockingTestingModule');
    expect(unmentioned([...lib.names, ...testing.names])).toEqual([]);
  });

  it.each([
    'AcquireOptions',
    'ExecuteOptions',
    'ExtendOptions',
    'InMemoryLockingProviderOptions',
    'ListOptions',
    'Lock',
    'LockInfo',
    'LockLostError',
    'LockRequestOptions',
    'LockRequestRoots',
    'LockTimeoutError',
    'LockingModuleOptions',
    'LockingModuleOptionsFactory',
    'LeaseStore',
    'LockingProviderDefinition',
    'LockingProviderOptions',
    'LockingService',
    'RedisLockingProviderOptions',
    'ReleaseOptions',
    'WithLockOptions',
  ])('the pages mention every member of %s', (name) => {
    const members = lib.membersOf(name);
    expect(members.length).toBeGreaterThan(0);
    expect(unmentioned(members)).toEqual([]);
  });

  it.each(['HoldElsewhereOptions', 'LockingTestControl', 'LockingTestingModuleOptions', 'ProviderUnderTest'])(
    'the pages mention every member of %s',
    (name) => {
      const members = testing.membersOf(name);
      expect(members.length).toBeGreaterThan(0);
      expect(unmentioned(members)).toEqual([]);
    },
  );

  it('the pages have a row for every option of a provider', () => {
    const providers = [InMemoryLockingProvider, RedisLockingProvider, RedisQuorumLockingProvider];
    const names = [...COMMON_OPTION_NAMES, ...providers.flatMap(({ optionNames }) => optionNames)];
    expect(names.filter((name) => tableRows(options, name).length === 0)).toEqual([]);
  });

  it.each(COMMON_OPTION_NAMES.filter((name) => name !== 'failFast' && name !== 'maxWaiters'))(
    'the pages name the default of %s',
    (name) => {
      const written = tableRows(options, name)[0]?.[2]?.replace(/^`'?(.*?)'?`$/, '$1') ?? '';
      const value = written === 'false' ? false : /^[\d.]+$/.test(written) ? Number(written) : written;
      expect(readEngineSettings({ [name]: value })).toEqual(readEngineSettings());
      expect(readEngineSettings({ [name]: 40 })).not.toEqual(readEngineSettings());
    },
  );

  it('the pages have a row for every error, with its guard', () => {
    const classes = Object.keys(errors).filter((name) => name.endsWith('Error') && name.startsWith('Lock'));
    for (const name of classes.filter((each) => each !== 'LockingError')) {
      expect(tableRows(read('docs/errors.md'), name).flat().join(' ')).toContain(`\`is${name}\``);
    }
    expect(unmentioned(Object.keys(errors))).toEqual([]);
  });
});

describe('the README', () => {
  it('the README fits on a screen or two', () => {
    expect(readme.split('\n').length).toBeLessThanOrEqual(200);
    expect(Buffer.byteLength(readme)).toBeLessThanOrEqual(15 * 1024);
  });

  it('the README links every page for users', () => {
    const linked = links(readme).map((link) => link.replace(/#.*/, ''));
    expect(guide.filter((name) => !linked.includes(name))).toEqual([]);
  });

  it('each figure of the benchmark in the README is in docs/performance.md', () => {
    const measured = read('docs/performance.md');
    const figures = tableRowsUnder(readme, 'Performance').flatMap((cells) => cells.slice(1));
    expect(figures.length).toBeGreaterThan(4);
    expect(figures.filter((figure) => !measured.includes(figure))).toEqual([]);
  });

  it('the README names existing npm scripts', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
    expect(named).toContain('demo');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

/** The cells of the table under a heading, without its own heading. */
function tableRowsUnder(markdown: string, heading: string): string[][] {
  const section = markdown.split(/^## /m).find((each) => each.startsWith(`${heading}\n`)) ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

describe.each([
  ['docs/cron.md', 'lib/coordination/schedule/index.ts'],
  ['docs/queues.md', 'lib/coordination/bullmq/index.ts'],
  ['docs/metrics.md', 'lib/operations/prometheus/index.ts'],
  ['docs/metrics.md', 'lib/operations/opentelemetry/index.ts'],
  ['docs/health.md', 'lib/operations/terminus/index.ts'],
  ['docs/cache.md', 'lib/coordination/cache/index.ts'],
  ['docs/dashboard.md', 'lib/operations/dashboard/index.ts'],
])('%s', (page, entry) => {
  it('the page mentions every export of its entry point', () => {
    const { names } = publicSurface(`${root}/${entry}`);
    expect(names.length).toBeGreaterThan(1);
    expect(unmentioned(names, codeOf(read(page)))).toEqual([]);
  }, 60_000);
});

/** The note before a block that is a part of a file, which is compiled with the project. */
const PART = /^a part of (\S+)$/;

const samples = readdirSync(`${root}/sample`, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `sample/${name}/README.md`);
const pages = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];

describe.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', ...docs, ...samples])('%s', (file) => {
  it('has no table cell of more than fifteen words', () => {
    const cells = read(file)
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .flatMap((line) => line.split(/(?<!\\)\|/).slice(1, -1));
    expect(cells.filter((cell) => cell.trim().split(/\s+/).length > 15)).toEqual([]);
  });

  it('has no row outside of a table', () => {
    const lines = read(file)
      .replace(/^ *```[^]*?^ *```/gm, '')
      .replace(/`[^`\n]*`/g, 'code')
      .split('\n');
    // Prettier makes paragraphs of rows that a blank line parts from their table.
    const strays = lines.filter((line) => !line.startsWith('|') && line.includes(' | '));
    const headless = lines.filter(
      (line, i) => line.startsWith('|') && !lines[i - 1]?.startsWith('|') && !/^\| *:?-/.test(lines[i + 1] ?? ''),
    );
    expect([...strays, ...headless]).toEqual([]);
  });
});

const examplesOf = (file: string): CodeBlock[] =>
  codeBlocks(read(file)).filter(({ language, note }) => language === 'ts' && !PART.test(note));
const everyPage = [...pages, ...docs, ...samples];
let complaints: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  complaints = await compileExamples(new Map(everyPage.map((file) => [file, examplesOf(file)])));
}, 300_000);

describe.each(everyPage)('%s', (file) => {
  const text = read(file);
  const folder = path.dirname(file);

  it('the page has no dead links', () => {
    const dead = links(text).filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [target = '', anchor] = link.split('#');
      const linked = path.join(folder, target);
      if (target !== '' && !existsSync(`${root}/${linked}`)) return true;
      return anchor !== undefined && !anchors(target === '' ? text : read(linked)).has(anchor);
    });
    expect(dead).toEqual([]);
  });

  it('the page names existing files', () => {
    const named = [...text.matchAll(/`((?:lib|test|tools|sample)\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !existsSync(`${root}/${name}`))).toEqual([]);
  });

  it('the examples of the page compile', () => {
    if (file === 'README.md') expect(examplesOf(file).length).toBeGreaterThan(1);
    expect(complaints.get(file)).toEqual([]);
  });

  it('parts of files on the page are those of the files', () => {
    for (const { text: part, note } of codeBlocks(text)) {
      const [, source] = PART.exec(note) ?? [];
      if (source !== undefined) expect(unindented(read(path.join(folder, source)))).toContain(unindented(part));
    }
  });
});

function unindented(text: string): string {
  return text.trim().replace(/^ +/gm, '');
}
