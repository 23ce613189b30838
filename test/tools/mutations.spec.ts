import { expect, it } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MUTATIONS } from '../../tools/mutations/mutations.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

it.each(MUTATIONS.map((mutation) => [mutation.rule, mutation] as const))(
  'the mutation of "%s" fits the code, and its tests are there',
  (_, { file, search, replace, tests }) => {
    expect(readFileSync(`${root}/${file}`, 'utf8').split(search)).toHaveLength(2);
    expect(replace).not.toBe(search);
    expect(tests.filter((test) => !existsSync(`${root}/${test}`))).toEqual([]);
  },
);
