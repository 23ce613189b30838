import { expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../support/run-command.js';

const cwd = fileURLToPath(new URL('../..', import.meta.url));

it('a short soak ends, and leaves nothing in the engines or in Redis', async () => {
  const args = ['--expose-gc', 'test/soak/soak.mjs', '--minutes', '0.02', '--keys', '500'];
  const { code, stdout, stderr } = await runCommand(process.execPath, args, { cwd, timeout: 80_000 });
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n').at(-1)).toBe('Nothing is left.');
  expect(code).toBe(0);
}, 90_000);
