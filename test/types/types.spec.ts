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

function compile(config: string): { status: number | null; stdout: string } {
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', config], { encoding: 'utf8' });
  return { status, stdout };
}

describe('the types of options', () => {
  it('take undefined for what is not given, under exactOptionalPropertyTypes', () => {
    expect(compile(path.join(folder, 'exact/tsconfig.json'))).toEqual({ status: 0, stdout: '' });
  });
});

describe('the types of decorators', () => {
  it('say what is wrong where a key function does not fit its method', async () => {
    const config = path.join(folder, 'mismatch/tsconfig.json');
    const { status, stdout } = compile(config);
    expect(status).not.toBe(0);
    expect(stdout).toContain('The key function does not take the arguments of the method');
    expect(stdout).not.toMatch(/to (?:parameter of )?type 'never'/);
    expect(await readFile(path.join(folder, 'mismatch/wrong-key-function.types.ts'), 'utf8')).toContain('@WithLock');
  });

  it('let through and refuse what *.types.ts say', async () => {
    expect(compile(path.join(folder, 'tsconfig.json'))).toEqual({ status: 0, stdout: '' });
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
