import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { publicDocs } from './public-docs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe.each([
  'lib/index.ts',
  'lib/testing/index.ts',
  'lib/coordination/schedule/index.ts',
  'lib/coordination/bullmq/index.ts',
  'lib/operations/prometheus/index.ts',
  'lib/operations/opentelemetry/index.ts',
  'lib/operations/terminus/index.ts',
  'lib/coordination/cache/index.ts',
  'lib/operations/dashboard/index.ts',
])('docstrings: what %s exports', (file) => {
  const { exported, statics, members } = publicDocs(`${root}/${file}`);

  it('each export has a docstring', () => {
    expect(exported.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
    expect(exported.length).toBeGreaterThan(0);
  });

  it('each static member has a docstring, and each static method an example and its errors', () => {
    const lacking = statics.filter(
      ({ text, isMethod, tags }) => text === '' || (isMethod && !(tags.includes('example') && tags.includes('throws'))),
    );
    expect(lacking.map(({ name }) => name)).toEqual([]);
    if (file === 'lib/index.ts') {
      expect(statics.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['LockingModule.forRoot', 'LockingModule.forRootAsync', 'LockingModule.forFeature']),
      );
    }
  });

  it('each option and each method has a docstring', () => {
    expect(members.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
  });
});
