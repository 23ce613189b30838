import { expect, it } from '@jest/globals';
import { useHarness } from './support/run-harness.js';

const run = useHarness();

it('processes that contend while one fault follows the other break no promise', async () => {
  const { stdout, stderr, code } = await run(
    '--seconds',
    '20',
    '--seed',
    '20261121',
    '--dense',
    '--every-kind',
    '--verbose',
  );
  expect(stderr).toBe('');
  expect(stdout).toMatch(/^seed 20261121: standalone, 20 s of faults\n/);
  expect(stdout).toContain('\n0 breaches ');
  expect(code).toBe(0);
  // These faults were injected, and had victims.
  for (const kind of [
    'worker killed',
    'machine suspended',
    'store flushed',
    'connections dark',
    'server restarted empty',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${kind} +[1-9]`, 'm'));
  }
  expect(Number(/^grants +(\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(100);
  expect(Number(/^terms of leaders +(\d+)$/m.exec(stdout)?.[1])).toBeGreaterThan(1);
}, 300_000);
