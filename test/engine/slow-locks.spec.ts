import { describe, expect, it } from '@jest/globals';
import { readEngineSettings } from '../../lib/engine/options/engine-settings.js';
import { LockEngine } from '../../lib/engine/lock-engine.js';
import type { ExecuteOptions, LockingProviderOptions } from '../../lib/index.js';
import { InMemoryLockingProvider, LockConfigurationError, MemoryLockStore } from '../../lib/index.js';
import { ManualClock } from '../../lib/testing/index.js';

function open(options: LockingProviderOptions = {}) {
  const clock = new ManualClock();
  const warnings: string[] = [];
  const provider = new InMemoryLockingProvider({ store: new MemoryLockStore(clock) });
  const engine = new LockEngine(
    provider,
    readEngineSettings(options),
    clock,
    undefined,
    undefined,
    'web-1',
    (message) => {
      warnings.push(message);
    },
  );
  const acquire = async (keys: string[], call: ExecuteOptions = {}) =>
    engine.acquire(keys, engine.resolve(call, 'handle'));
  return { clock, warnings, engine, acquire };
}

describe('warnAfter', () => {
  it('warns once of a lock that is held for longer, with its keys and its label', async () => {
    const { acquire, clock, warnings } = open({ warnAfter: '5s' });
    const lock = await acquire(['a', 'b'], { label: 'Orders.pay' });
    await clock.advance('4999ms');
    expect(warnings).toEqual([]);
    await clock.advance('1h');
    expect(warnings).toEqual([
      '"a", "b" is held by "Orders.pay" for longer than the 5000 ms of warnAfter, and still is.',
    ]);
    await lock.release();
  });

  it('warns once of a wait that takes longer', async () => {
    const { acquire, clock, warnings } = open({ warnAfter: '5s' });
    const lock = await acquire(['a'], { warnAfter: false });
    const waiting = acquire(['a'], { timeout: '1m', ownerId: 'importer', expire: '1s' });
    await clock.advance('20s');
    expect(warnings).toEqual([
      '"a" is waited for by "importer" for longer than the 5000 ms of warnAfter. Its holder is what inspect() shows.',
    ]);
    await lock.release();
    await clock.advance(0);
    await (await waiting).release();
  });

  it('does not warn of what has ended before, one way or the other', async () => {
    const { acquire, clock, engine, warnings } = open({ warnAfter: '5s' });
    const lock = await acquire(['a'], { expire: '2s' });
    const refused = acquire(['a'], { timeout: '1s' }).catch((error: unknown) => (error as Error).name);
    await clock.advance('1s');
    expect(await refused).toBe('LockTimeoutError');
    await (await acquire(['b'])).release();
    await engine.execute(['c'], () => 'done', engine.resolve({}, 'job'));
    // Its lease of 2 s runs out, unreleased.
    await clock.advance('1m');
    expect(lock.held).toBe(false);
    expect(warnings).toEqual([]);
  });

  it('the option of a call comes before that of the provider, which is never', async () => {
    const { acquire, clock, warnings } = open();
    await acquire(['never']);
    await acquire(['soon'], { warnAfter: '10ms' });
    await clock.advance('1h');
    expect(warnings).toEqual(['"soon" is held for longer than the 10 ms of warnAfter, and still is.']);
  });

  it('warns of the longest holder first, whatever order they came in', async () => {
    const { acquire, clock, warnings } = open({ warnAfter: '5s' });
    await acquire(['slow'], { warnAfter: '1m' });
    await acquire(['fast']);
    await (await acquire(['over'])).release();
    await clock.advance('2m');
    expect(warnings.map((line) => line.slice(0, 6))).toEqual(['"fast"', '"slow"']);
  });

  it.each([0, '0ms', -1, true, 'soon'])('refuses %j', (warnAfter) => {
    expect(() => readEngineSettings({ warnAfter: warnAfter as never })).toThrow(LockConfigurationError);
  });
});
