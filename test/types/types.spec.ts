import { describe, expect, it } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const tsc = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@typescript/native/package.json')),
  'bin/tsc',
);

describe('the types of decorators', () => {
  it('let through and refuse what *.types.ts say', async () => {
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path.join(folder, 'tsconfig.json')], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    for (const [file, refusals] of [
      ['with-lock', 8],
      ['singleton', 3],
      ['leader-election', 3],
      ['lock-job', 6],
    ] as const) {
      const source = await readFile(path.join(folder, `${file}.types.ts`), 'utf8');
      expect(source.match(/@ts-expect-error/g)?.length).toBeGreaterThanOrEqual(refusals);
    }
  });
});
