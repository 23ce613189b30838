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

describe('the types of @WithLock', () => {
  it('let through and refuse what with-lock.types.ts says', async () => {
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path.join(folder, 'tsconfig.json')], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    const source = await readFile(path.join(folder, 'with-lock.types.ts'), 'utf8');
    expect(source.match(/@ts-expect-error/g)?.length).toBeGreaterThanOrEqual(8);
  });
});
