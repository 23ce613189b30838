import { expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../support/run-command.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A process of its own, as the memory of earlier test files would make each garbage collection longer than a lease. */
it('the tests of dropped locks pass in a process of their own', async () => {
  const jest = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
  const cases = ['--runInBand', '--testMatch', '<rootDir>/test/service/dropped-locks.cases.ts'];
  const { code, stdout, stderr } = await runCommand(process.execPath, [...jest, ...cases], {
    cwd: root,
    timeout: 280_000,
  });
  expect({ code, output: code === 0 ? '' : stdout + stderr }).toEqual({ code: 0, output: '' });
  expect(stdout).toMatch(/^[1-9]\d* passed, 0 failed, 0 skipped$/m);
}, 300_000);
