import { beforeAll, describe, expect, it } from '@jest/globals';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMMON_OPTION_NAMES, readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import * as errors from '../../lib/errors/index.js';
import { InMemoryLockingProvider, RedisLockingProvider, RedisQuorumLockingProvider } from '../../lib/index.js';
import { compileExamples } from './compile-examples.js';
import { anchors, codeBlocks, codeOf, links, tableRows } from '../support/markdown.js';
import { publicSurface, type PublicSurface } from './public-surface.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(`${root}/${file}`, 'utf8');

const readme = read('README.md');
const code = codeOf(readme);

/** Those of `names` that a page, the README if not told, does not have as code. */
function unmentioned(names: readonly string[], within = code): string[] {
  return names.filter((name) => !new RegExp(`(?<![\\w$])${name.replace('$', '\\$')}(?![\\w$])`).test(within));
}

describe('the README', () => {
  let lib: PublicSurface;
  let testing: PublicSurface;

  beforeAll(() => {
    lib = publicSurface(`${root}/lib/index.ts`);
    testing = publicSurface(`${root}/lib/testing/index.ts`);
  }, 120_000);

  it('mentions everything that the package exports', () => {
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
  ])('mentions every member of %s', (name) => {
    const members = lib.membersOf(name);
    expect(members.length).toBeGreaterThan(0);
    expect(unmentioned(members)).toEqual([]);
  });

  it.each(['HoldElsewhereOptions', 'LockingTestControl', 'LockingTestingModuleOptions', 'ProviderUnderTest'])(
    'mentions every member of %s',
    (name) => {
      const members = testing.membersOf(name);
      expect(members.length).toBeGreaterThan(0);
      expect(unmentioned(members)).toEqual([]);
    },
  );

  it('has a row for every option of a provider', () => {
    const providers = [InMemoryLockingProvider, RedisLockingProvider, RedisQuorumLockingProvider];
    const names = [...COMMON_OPTION_NAMES, ...providers.flatMap(({ optionNames }) => optionNames)];
    expect(names.filter((name) => tableRows(readme, name).length === 0)).toEqual([]);
  });

  it.each(COMMON_OPTION_NAMES.filter((name) => name !== 'failFast' && name !== 'maxWaiters'))(
    'tells the default of %s',
    (name) => {
      const written = tableRows(readme, name)[0]?.[2]?.replace(/^`'?(.*?)'?`$/, '$1') ?? '';
      const value = /^[\d.]+$/.test(written) ? Number(written) : written;
      expect(readEngineSettings({ [name]: value })).toEqual(readEngineSettings());
      expect(readEngineSettings({ [name]: 40 })).not.toEqual(readEngineSettings());
    },
  );

  it('has a row for every error, with its guard', () => {
    const classes = Object.keys(errors).filter((name) => name.endsWith('Error') && name.startsWith('Lock'));
    for (const name of classes.filter((each) => each !== 'LockingError')) {
      expect(tableRows(readme, name).flat().join(' ')).toContain(`\`is${name}\``);
    }
    expect(unmentioned(Object.keys(errors))).toEqual([]);
  });

  it('names only npm scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const named = [...readme.matchAll(/npm run ([\w:-]+)/g)].map((match) => match[1] ?? '');
    expect(named).toContain('demo');
    expect(named.filter((name) => !(name in scripts))).toEqual([]);
  });
});

describe.each([
  ['docs/cron.md', 'lib/coordination/schedule/index.ts'],
  ['docs/queues.md', 'lib/coordination/bullmq/index.ts'],
])('%s', (page, entry) => {
  it('mentions everything that its entry point exports', () => {
    const { names } = publicSurface(`${root}/${entry}`);
    expect(names.length).toBeGreaterThan(1);
    expect(unmentioned(names, codeOf(read(page)))).toEqual([]);
  }, 60_000);
});

const docs = readdirSync(`${root}/docs`, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const pages = ['README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'];

describe.each([...pages, ...docs])('%s', (file) => {
  const text = read(file);
  const folder = path.dirname(file);

  it('has no dead links', () => {
    const dead = links(text).filter((link) => {
      if (/^https?:/.test(link)) return false;
      const [target = '', anchor] = link.split('#');
      const linked = path.join(folder, target);
      if (target !== '' && !existsSync(`${root}/${linked}`)) return true;
      return anchor !== undefined && !anchors(target === '' ? text : read(linked)).has(anchor);
    });
    expect(dead).toEqual([]);
  });

  it('names only files that there are', () => {
    const named = [...text.matchAll(/`((?:lib|test|tools|sample)\/[\w./-]+)`/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !existsSync(`${root}/${name}`))).toEqual([]);
  });

  it('has examples that compile', async () => {
    const blocks = codeBlocks(text).filter(({ language }) => language === 'ts');
    if (file === 'README.md') expect(blocks.length).toBeGreaterThan(10);
    expect(blocks.length === 0 ? [] : await compileExamples(file, blocks)).toEqual([]);
  }, 120_000);
});
