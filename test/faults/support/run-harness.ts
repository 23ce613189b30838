import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { ended, startProgram, type Ended, type Program } from '../../support/sample-programs.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Compiles the harness and runs it like `npm run test:faults`. Removes its files after the tests. */
export function useHarness(): (...args: string[]) => Promise<Ended> {
  let temporary = '';
  let compiled = '';
  let running: Program | undefined;

  beforeAll(() => {
    temporary = mkdtempSync(join(tmpdir(), 'nestjs-locking-fault-specs-'));
    // A folder of its own, as other specs and runs compile the harness, too; in the package, which it imports by name.
    compiled = mkdtempSync(join(ROOT, 'dist-test-'));
    const tsc = 'node_modules/@typescript/native/bin/tsc';
    const args = [tsc, '-p', 'test/faults/tsconfig.json', '--outDir', join(compiled, 'faults')];
    execFileSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  });

  afterEach(() => {
    // The workers and the server end with it.
    if (running?.exitCode === null) running.kill('SIGKILL');
  });

  afterAll(() => {
    for (const folder of [temporary, compiled]) rmSync(folder, { recursive: true, force: true });
  });

  return async (...args) => {
    running = startProgram(join(compiled, 'faults/main.js'), [...args, '--no-result'], { TMPDIR: temporary });
    return ended(running);
  };
}
