import { describe, expect, it } from '@jest/globals';
import { LockingModule, LockingService, LockKeyError } from '../../lib/index.js';
import { keyOfRun, keyOfTick } from '../../lib/coordination/schedule/tick.js';
import { leaderKey, presenceKey } from '../../lib/coordination/leader-election/leader-keys.js';
import { useApplications } from '../support/applications.js';
import { listedKeys } from '../support/listed-keys.js';
import { eventually, rejectionOf } from '../support/poll.js';

const tick = { name: 'report', at: Date.parse('2026-01-01T00:00:00Z'), mayBeLate: 0 };

/** The keys that this package reserves. */
const OWN = [
  leaderKey('relay'),
  presenceKey('relay', 'pod-1', 'x'),
  ...(['cron', 'interval'] as const).flatMap((kind) => [keyOfRun({ ...tick, kind }), keyOfTick({ ...tick, kind })]),
  'nestjs-locking:fence',
];

const CALLS: Record<string, (locking: LockingService, key: string) => Promise<unknown>> = {
  execute: async (locking, key) => locking.execute(key, () => 'ran'),
  'execute, among others': async (locking, key) => locking.execute(['a', key], () => 'ran'),
  'execute on a named provider': async (locking, key) => locking.provider('in-memory').execute(key, () => 'ran'),
  singleton: async (locking, key) => locking.singleton(key, () => 'ran'),
  acquire: async (locking, key) => locking.acquire(key),
  tryAcquire: async (locking, key) => locking.tryAcquire(key),
  release: async (locking, key) => locking.release(key),
  extend: async (locking, key) => locking.extend(key, { ownerId: 'me', expire: '1m' }),
};

describe('the keys that this package reserves', () => {
  const applications = useApplications();

  it.each(Object.keys(CALLS))('reserved keys are refused by %s', async (name) => {
    const { locking } = await applications.withLocks();
    for (const key of OWN) {
      const error = await rejectionOf(CALLS[name]!(locking, key));
      expect(error).toBeInstanceOf(LockKeyError);
      expect(error.message).toMatch(/^Keys that begin with "[a-z-]+:" .*choose another prefix\./i);
    }
    expect(await listedKeys(locking)).toEqual([]);
  });

  it('an operator can inspect, list and free reserved keys', async () => {
    const leaders = [{ name: 'relay' }];
    const app = await applications.start({
      imports: [LockingModule.forRoot(), LockingModule.forFeature({ leaders })],
    });
    const locking = app.get(LockingService);
    await eventually(async () => (await locking.inspect('leader:relay')) !== null);
    expect(await listedKeys(locking, 'leader:relay*')).toHaveLength(2);
    expect(await locking.provider('in-memory').forceRelease('leader:relay')).toBe(1);
  });

  it('keys that look like reserved ones are allowed', async () => {
    const { locking } = await applications.withLocks();
    for (const key of ['leader', 'leaders:1', 'Leader:1', 'my:leader:1', 'crontab:1', 'intervals']) {
      expect(await locking.execute(key, () => 'ran')).toBe('ran');
    }
  });
});
