import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { DelayedError, RateLimitError } from 'bullmq';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { saysMoved } from '../../lib/coordination/bullmq/put-back.js';
import { mayHaveRun } from '../../lib/engine/store/store-calls.js';
import { runOrThrow } from '../support/run-command.js';
import { useRedisServer } from '../support/redis.js';
import { makeMinifiedApplication, removeApplication } from './support.js';

/** BullMQ takes the names of its errors from their classes. */
class RenamedDelayed extends DelayedError {}
class RenamedRateLimit extends RateLimitError {}

const redis = useRedisServer();
let folder: string | undefined;

interface Found {
  readonly names: Record<string, string>;
  readonly connections: number;
  readonly lost: string;
  readonly warnings: string[];
  readonly minified: string;
}

beforeAll(async () => {
  const program = await readFile(fileURLToPath(new URL('program.mjs', import.meta.url)), 'utf8');
  folder = await makeMinifiedApplication(program);
}, 60_000);

afterAll(async () => {
  await removeApplication(folder);
});

describe('in a bundle whose minifier has renamed all classes', () => {
  it('errors keep their names, and answers of Redis are told from lost connections', async () => {
    const output = await runOrThrow(process.execPath, [path.join(folder!, 'program.mjs'), redis.url], {
      cwd: folder!,
    });
    const [refusal, found] = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown) as [{ refusal: string }, Found];
    expect(found.minified).not.toBe('Redis');
    expect(found.names).toEqual({
      timeout: 'LockTimeoutError',
      key: 'LockKeyError',
      configuration: 'LockConfigurationError',
      lost: 'LockLostError',
      backend: 'LockBackendError',
      notReached: 'StoreNotReachedError',
    });
    expect(refusal.refusal).toContain('the server has no memory left');
    const refusals = found.warnings.filter((line) => !line.includes('provider lost'));
    expect(refusals).toEqual([expect.stringContaining('does not let this user subscribe')]);
    expect(found.lost).toContain('the connection to Redis was lost before the answer came');
    // The connections of the second wait, which tries to subscribe again.
    expect(found.connections).toBeLessThan(5);
  }, 60_000);

  it.each([new RenamedDelayed(), new RenamedRateLimit()])(
    'an error of BullMQ that moves a job is known: %s',
    (error) => {
      expect(error.name).toMatch(/^Renamed/);
      expect(saysMoved(error)).toBe(true);
      expect(saysMoved(new Error('bullmq:unrecoverable'))).toBe(false);
    },
  );

  it('a provider may say that the store was not reached with another copy of the class', () => {
    const refusal = Object.assign(new Error('down'), { name: 'StoreNotReachedError' });
    expect(mayHaveRun(refusal)).toBe(false);
    expect(mayHaveRun(new Error('wrapped', { cause: refusal }))).toBe(false);
    expect(mayHaveRun(new Error('no answer'))).toBe(true);
  });
});
