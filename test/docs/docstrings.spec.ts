import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { publicDocs } from './public-docs.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describe.each([
  'lib/index.ts',
  'lib/testing/index.ts',
  'lib/coordination/schedule/index.ts',
  'lib/coordination/bullmq/index.ts',
])('docstrings: what %s exports', (file) => {
  const { exported, statics, members } = publicDocs(`${root}/${file}`);

  it('says what each export is for', () => {
    expect(exported.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
    expect(exported.length).toBeGreaterThan(0);
  });

  it('says what each static member is for, and shows and warns at each static method', () => {
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

  it('says what each option and each method is for', () => {
    expect(members.filter(({ text }) => text === '').map(({ name }) => name)).toEqual([]);
  });
});
