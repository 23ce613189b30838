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
  it('options accept undefined under exactOptionalPropertyTypes', () => {
    expect(compile(path.join(folder, 'exact/tsconfig.json'))).toEqual({ status: 0, stdout: '' });
  });
});

describe('the types of decorators', () => {
  it('the compiler error for a key function that does not fit its method says what is wrong', async () => {
    const config = path.join(folder, 'mismatch/tsconfig.json');
    const { status, stdout } = compile(config);
    expect(status).not.toBe(0);
    expect(stdout).toContain('The key function does not take the arguments of the method');
    expect(stdout).not.toMatch(/to (?:parameter of )?type 'never'/);
    expect(await readFile(path.join(folder, 'mismatch/wrong-key-function.types.ts'), 'utf8')).toContain('@WithLock');
  });

  it('decorators accept methods of applications that are compiled without strict', () => {
    expect(compile(path.join(folder, 'loose/tsconfig.json'))).toEqual({ status: 0, stdout: '' });
  });

  it('the compiler error names what the return type of a method leaves out, and what a fallback does not accept', () => {
    const { stdout } = compile(path.join(folder, 'mismatch/tsconfig.json'));
    for (const [file, said] of [
      ['skipped', 'ResultMismatch<Promise<string>, Promise<undefined>>'],
      ['other-result', 'ResultMismatch<Promise<number>, Promise<string>>'],
      ['other-argument', 'FallbackMismatch<[id: number], [id: string]>'],
      ['no-stream', 'StreamMismatch<Promise<string>>'],
    ] as const) {
      const [complaint] = stdout.split(/^(?=\S)/m).filter((part) => part.includes(`${file}.types.ts`));
      expect(complaint).toContain(said);
    }
    expect(stdout).toContain('The return type of the method must admit what a call returns that is not run');
    expect(stdout).toContain('The fallback does not take the arguments of the method');
    expect(stdout).toContain('observable: true is for methods that return an Observable');
  });

  it('decorators accept and refuse the code in *.types.ts', async () => {
    expect(compile(path.join(folder, 'tsconfig.json'))).toEqual({ status: 0, stdout: '' });
    for (const [file, refusals] of [
      ['with-lock', 8],
      ['unavailable', 17],
      ['singleton', 5],
      ['leader-election', 6],
      ['lock-request', 5],
      ['schedule', 3],
      ['lock-job', 6],
      ['circuit-breaker', 6],
      ['cache-once', 4],
    ] as const) {
      const source = await readFile(path.join(folder, `${file}.types.ts`), 'utf8');
      expect(source.match(/@ts-expect-error/g)?.length).toBeGreaterThanOrEqual(refusals);
    }
  });
});
