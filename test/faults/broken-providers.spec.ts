import { describe, expect, it } from '@jest/globals';
import { useHarness } from './support/run-harness.js';

const run = useHarness();

/** The findings after two processes have contended for one key on a provider that is broken on purpose. */
async function findings(broken: string, fault: string, ...more: string[]): Promise<string> {
  const size = ['--keys', '1', '--workers', '2', '--seconds', '12', '--dense'];
  const { stdout, stderr, code } = await run('--broken', broken, '--seed', '1', ...size, '--only', fault, ...more);
  expect(stderr).toBe('');
  expect(code).toBe(1);
  expect(stdout).toMatch(/^The history: /m);
  return stdout;
}

describe('providers that are broken on purpose', () => {
  it('the checker finds a provider that grants held keys', async () => {
    const stdout = await findings('grants always', 'scripts flushed');
    expect(stdout).toMatch(/^ {2}two holders at once: [1-9]/m);
  }, 120_000);

  it('the checker finds a provider that releases without comparing the owner', async () => {
    const stdout = await findings('forgets owners', 'blocked in a job', '--workers', '3');
    expect(stdout).toMatch(/^ {2}two holders at once: [1-9]/m);
  }, 120_000);

  it('the checker finds a provider that claims renewals which never took place', async () => {
    const stdout = await findings('lies about renewals', 'scripts flushed', '--long-jobs', '5');
    expect(stdout).toMatch(/^ {2}two holders at once: [1-9]/m);
  }, 120_000);

  it('the checker finds leaders that trust in their leadership for ever', async () => {
    const options = ['--seed', '1', '--keys', '1', '--workers', '3', '--seconds', '12', '--dense', '--only', 'frozen'];
    const { stdout, stderr, code } = await run('--broken-leaders', ...options);
    expect(stderr).toBe('');
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ {2}two holders at once: [1-9]/m);
    expect(stdout).toMatch(/- two holders at once, at [\d.]+: election: /);
  }, 120_000);

  it('the checker finds a provider that loses records, and takes those of former holders', async () => {
    const stdout = await findings('forgets records', 'frozen');
    expect(stdout).toMatch(/^ {2}a payment with two results: [1-9]/m);
    expect(stdout).toMatch(/^ {2}an older checkpoint won: [1-9]/m);
  }, 120_000);

  it('the checker finds a provider that grants the same token twice', async () => {
    const stdout = await findings('repeats tokens', 'scripts flushed');
    expect(stdout).toMatch(/^ {2}tokens out of order: [1-9]/m);
    expect(stdout).toMatch(/^ {2}stale writes: [1-9]/m);
  }, 120_000);
});
