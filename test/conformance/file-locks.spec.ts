import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LockingModule } from '../../lib/index.js';
import { describeLockingProvider } from '../../lib/testing/index.js';
import { codeBlocks } from '../support/markdown.js';
import { FileLockingProvider } from './file-locks/file-locking.provider.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

describeLockingProvider(
  'FileLockingProvider',
  async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'file-locks-'));
    const connect = (): FileLockingProvider => new FileLockingProvider({ folder });
    return Promise.resolve({
      provider: connect(),
      other: connect(),
      connect: async () => Promise.resolve(connect()),
      pass: async (milliseconds) => delay(milliseconds),
      close: async () => Promise.resolve(rmSync(folder, { recursive: true })),
    });
  },
  { describe, it },
  { without: ['batching', 'queueing', 'records', 'revoking'] },
);

describe('docs/custom-provider.md', () => {
  const page = readFileSync(`${root}/docs/custom-provider.md`, 'utf8');
  const source = readFileSync(`${root}/test/conformance/file-locks/file-locking.provider.ts`, 'utf8');

  it('shows the provider that the conformance suite checks, in under 150 lines', () => {
    expect(codeBlocks(page).map(({ text }) => text.trim())).toContain(source.trim());
    expect(source.trim().split('\n').length).toBeLessThan(150);
  });
});

it('the module takes the options of a class that it does not know', () => {
  expect(() =>
    LockingModule.forRoot({ providers: [{ resolve: FileLockingProvider, options: { folder: 'locks' } }] }),
  ).not.toThrow();
});
