import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { ended, startProgram, type Ended, type Program } from '../../sample/programs.js';

/** Compiles the harness, and runs it as `npm run test:faults` does. What it leaves behind goes after the tests. */
export function useHarness(): (...args: string[]) => Promise<Ended> {
  let temporary = '';
  let running: Program | undefined;

  beforeAll(() => {
    temporary = mkdtempSync(join(tmpdir(), 'nestjs-locking-fault-specs-'));
    const tsc = 'node_modules/@typescript/native/bin/tsc';
    execFileSync(process.execPath, [tsc, '-p', 'test/faults/tsconfig.json'], { stdio: 'inherit' });
  });

  afterEach(() => {
    // The workers and the server go with it.
    if (running?.exitCode === null) running.kill('SIGKILL');
  });

  afterAll(() => {
    rmSync(temporary, { recursive: true, force: true });
  });

  return async (...args) => {
    running = startProgram('dist-test/faults/main.js', [...args, '--no-result'], { TMPDIR: temporary });
    return ended(running);
  };
}
