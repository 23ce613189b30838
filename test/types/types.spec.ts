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

describe('the types of the decorators', () => {
  it('let through and refuse what the files beside this one say', async () => {
    const { status, stdout } = spawnSync(process.execPath, [tsc, '-p', path.join(folder, 'tsconfig.json')], {
      encoding: 'utf8',
    });
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' });
    const refusals = async (file: string): Promise<number | undefined> => {
      return (await readFile(path.join(folder, file), 'utf8')).match(/@ts-expect-error/g)?.length;
    };
    expect(await refusals('with-lock.types.ts')).toBeGreaterThanOrEqual(8);
    expect(await refusals('lock-job.types.ts')).toBeGreaterThanOrEqual(6);
  });
});
