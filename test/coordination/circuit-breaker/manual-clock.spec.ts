import { describe, expect, it, jest } from '@jest/globals';
import {
  CircuitBreakerState,
  isCircuitOpenError,
  RecordService,
  type CircuitBreakerOptions,
} from '../../../lib/index.js';
import { deferred } from '../../support/deferred.js';
import { LockingTestControl } from '../../../lib/testing/index.js';
import { useManualClock } from './support.js';

const OPTIONS = {
  minimumCalls: 4,
  window: '10s',
  openFor: '30s',
  minInstances: 1,
} as const satisfies CircuitBreakerOptions;

const { of, advance, logged } = useManualClock();

async function record(calls: string, options: CircuitBreakerOptions = OPTIONS): Promise<string> {
  const circuits = of(CircuitBreakerState);
  for (const call of calls) {
    await (call === 'x' ? circuits.recordFailure('stripe', options) : circuits.recordSuccess('stripe', options));
  }
  return (await circuits.getState('stripe', options)).state;
}

describe('a circuit on a manual clock', () => {
  it('a store that answers slowly is not read for each call', async () => {
    const [circuits, records] = [of(CircuitBreakerState), of(RecordService)];
    const call = async (): Promise<number> => circuits.execute('stripe', async () => Promise.resolve(1), OPTIONS);
    await call();
    const read = records.read.bind(records);
    const gate = deferred();
    const reads = jest.spyOn(records, 'read').mockImplementation(async (...args) => {
      await gate.promise;
      return read(...args);
    });
    await advance('2s');
    for (let calls = 0; calls < 20; calls += 1) {
      await call();
      await advance('100ms');
    }
    gate.resolve();
    for (let calls = 0; calls < 50; calls += 1) await call();
    expect((await circuits.getState('stripe', OPTIONS)).state).toBe('closed');
    // That of the calls, at most one more as that was old by then, and that of getState.
    expect(reads.mock.calls.length).toBeLessThanOrEqual(3);
  });

  it.each([
    ['too few calls', 'xxx', 'closed'],
    ['failures below the ratio', '...x.x', 'closed'],
    ['failures at the ratio', '..xx', 'open'],
    ['a last call that succeeds', 'xxx.', 'open'],
    ['successes only', '........', 'closed'],
  ])('judges %s', async (_, calls, state) => {
    expect(await record(calls)).toBe(state);
  });

  it('forgets calls that ended before the window', async () => {
    await record('xx');
    await advance('11s');
    expect(await record('xx')).toBe('closed');
    expect(await of(CircuitBreakerState).getState('stripe', OPTIONS)).toMatchObject({ calls: 2, failures: 2 });
    await advance('5s');
    expect(await record('xx')).toBe('open');
  });

  it('stays open for openFor to the millisecond, and then lets one call through', async () => {
    const circuits = of(CircuitBreakerState);
    await record('xxxx');
    await advance('29999ms');
    const error = await circuits.execute('stripe', () => 1, OPTIONS).catch((reason: unknown) => reason);
    expect(isCircuitOpenError(error) && error.retryAfter).toBe(1);
    await advance('1ms');
    expect(await circuits.getState('stripe', OPTIONS)).toMatchObject({ state: 'open', retryAfter: 0 });
    expect(await circuits.execute('stripe', () => 1, OPTIONS)).toBe(1);
    await advance('0ms');
    expect((await circuits.getState('stripe', OPTIONS)).state).toBe('closed');
  });

  it('what a call comes to that began before the circuit opened and closed does not count', async () => {
    const circuits = of(CircuitBreakerState);
    const ends: (() => void)[] = [];
    const slow = Array.from({ length: 4 }, () =>
      circuits
        .execute('stripe', () => new Promise((_, reject) => ends.push(() => reject(new Error('late')))), OPTIONS)
        .catch(() => undefined),
    );
    await advance('0ms');
    expect(ends.length).toBe(4);
    await circuits.setState('stripe', 'open', { ...OPTIONS, for: '1s' });
    await circuits.setState('stripe', 'closed', OPTIONS);
    for (const end of ends) end();
    await Promise.all(slow);
    expect(await circuits.getState('stripe', OPTIONS)).toMatchObject({ state: 'closed', calls: 0 });
  });

  it('an error of this package says nothing of the service, and isFailure judges the others', async () => {
    const circuits = of(CircuitBreakerState);
    const isFailure = (error: unknown) => !(error instanceof RangeError);
    const call = async (error: Error, judge?: (error: unknown) => boolean) =>
      circuits.execute('stripe', () => Promise.reject(error), { ...OPTIONS, isFailure: judge }).catch(() => undefined);
    const busy = await circuits
      .setState('a', 'open', OPTIONS)
      .then(async () => circuits.execute('a', () => 1, OPTIONS).catch((reason: unknown) => reason as Error));
    await call(busy as Error);
    const counts = async () => {
      const { calls, failures } = await circuits.getState('stripe', OPTIONS);
      return [calls, failures];
    };
    expect(await counts()).toEqual([0, 0]);
    await call(new RangeError('bad request'), isFailure);
    expect(await counts()).toEqual([1, 0]);
    await call(new Error('down'), () => undefined as never);
    expect(await counts()).toEqual([2, 1]);
    await call(new Error('down'), () => {
      throw new Error('it judges badly');
    });
    expect(await counts()).toEqual([3, 2]);
  });

  it('a probe that says nothing of the service leaves the slot to the next call', async () => {
    const circuits = of(CircuitBreakerState);
    await circuits.setState('other', 'open', OPTIONS);
    await circuits.setState('stripe', 'half-open', OPTIONS);
    const inner = () => circuits.execute('other', () => 1, OPTIONS);
    const error = await circuits.execute('stripe', inner, OPTIONS).catch((reason: unknown) => reason);
    expect(isCircuitOpenError(error) && error.circuit).toBe('other');
    await advance('0ms');
    expect((await circuits.getState('stripe', OPTIONS)).state).toBe('half-open');
    expect(await circuits.execute('stripe', () => 1, OPTIONS)).toBe(1);
  });

  it('a report of an instance counts for as long as it would be open, and its window', async () => {
    const [options, records] = [{ ...OPTIONS, minInstances: 2 }, of(RecordService)];
    const report = { instance: 'other', id: 'one', age: 0, lasts: 40_000 };
    const write = async () =>
      records.write(
        'circuit-breaker/stripe',
        { state: 'closed', change: 'a', openFor: 0, reports: [report] },
        { ttl: '1h' },
      );
    await write();
    await advance('41s');
    expect(await record('xxxx', options)).toBe('open');
    expect((await of(CircuitBreakerState).getState('stripe', options)).scope).toBe('instance');
    await of(CircuitBreakerState).setState('stripe', 'closed', options);
    report.id = 'two';
    await write();
    await advance('39s');
    expect(await record('xxxx', options)).toBe('open');
    expect((await of(CircuitBreakerState).getState('stripe', options)).scope).toBe('shared');
  });

  it('calls that failed before an operator closed the circuit, of which the instance has not heard, open nothing', async () => {
    const [circuits, records] = [of(CircuitBreakerState), of(RecordService)];
    jest.spyOn(records, 'watch').mockResolvedValue(() => undefined);
    expect(await record('xxx', OPTIONS)).toBe('closed');
    const value = { state: 'closed', change: 'by another instance', openFor: 0, reports: [] };
    await records.write('circuit-breaker/stripe', value, { ttl: '1h' });
    expect(await circuits.recordFailure('stripe', OPTIONS)).toMatchObject({ state: 'closed', calls: 0 });
    expect((await records.read('circuit-breaker/stripe'))?.value).toEqual(value);
  });

  it('a clock of the store that steps back keeps no circuit open, and no report', async () => {
    const [circuits, records] = [of(CircuitBreakerState), of(RecordService)];
    const shared = { ...OPTIONS, minInstances: 2 };
    const report = { instance: 'other', id: 'one', age: 0, lasts: 40_000 };
    const value = { state: 'closed', change: 'a', openFor: 0, reports: [report] };
    await records.write('circuit-breaker/reported', value, { ttl: '1h' });
    await circuits.setState('stripe', 'open', OPTIONS);
    const read = records.read.bind(records);
    // Until it has caught up, every record is new to it.
    jest.spyOn(records, 'read').mockImplementation(async (...args) => {
      const record = await read(...args);
      return record && { ...record, age: 0 };
    });
    for (let seconds = 0; seconds < 30; seconds += 1) {
      expect(await circuits.getState('stripe', OPTIONS)).toMatchObject({ state: 'open', retryAfter: 30 - seconds });
      expect(await circuits.getState('reported', shared)).toMatchObject({ instances: 1 });
      await advance('1s');
    }
    expect(await circuits.execute('stripe', () => 1, OPTIONS)).toBe(1);
    await advance('10s');
    expect(await circuits.getState('reported', shared)).toMatchObject({ instances: 0 });
  });

  it('a listener that fails is logged, others are told, and one that has ended is not', async () => {
    const circuits = of(CircuitBreakerState);
    const told: string[] = [];
    await circuits.subscribe(
      'stripe',
      () => {
        throw new Error('listener 1');
      },
      OPTIONS,
    );
    const failsLater: () => unknown = async () => Promise.reject(new Error('listener 2'));
    await circuits.subscribe('stripe', failsLater, OPTIONS);
    const end = await circuits.subscribe('stripe', ({ state, previous }) => told.push(`${previous} ${state}`), OPTIONS);
    await circuits.setState('stripe', 'open', OPTIONS);
    await advance('0ms');
    end();
    await circuits.setState('stripe', 'closed', OPTIONS);
    expect(told).toEqual(['closed open']);
    expect(logged('error').join('\n')).toMatch(/listener 1[^]*listener 2/);
    expect(logged('warn')).toEqual(['The circuit "stripe" is open.']);
    expect(logged('log')).toContain('The circuit "stripe" is closed.');
  });

  it('circuits that are not in use are forgotten, and others are not', async () => {
    const circuits = of(CircuitBreakerState);
    await circuits.setState('kept', 'open', OPTIONS);
    await circuits.recordFailure('counted', { ...OPTIONS, window: '1h' });
    for (let tenant = 0; tenant < 2500; tenant += 1)
      await circuits
        .execute(`tenant ${tenant}`, () => 1, OPTIONS)
        .then(async () => tenant % 500 === 0 && advance('11s'));
    const { size } = (circuits as unknown as { circuits: Map<string, unknown> }).circuits;
    expect(size).toBeLessThan(2000);
    expect(await circuits.getState('kept', OPTIONS)).toMatchObject({ state: 'open' });
    expect(await circuits.getState('counted', { ...OPTIONS, window: '1h' })).toMatchObject({ calls: 1, failures: 1 });
  });

  it('nothing is left to run when nothing is subscribed', async () => {
    const circuits = of(CircuitBreakerState);
    const end = await circuits.subscribe('stripe', () => undefined, OPTIONS);
    await record('xxxx');
    await advance('30s');
    await circuits.execute('stripe', () => 1, OPTIONS);
    await advance('0ms');
    expect(of(LockingTestControl).clock.pendingTimers).toBeGreaterThan(0);
    end();
    await advance('10s');
    // The sweep of the records in memory.
    expect(of(LockingTestControl).clock.pendingTimers).toBeLessThanOrEqual(1);
  });

  it.each([
    [
      'an unknown option',
      { failureRate: 0.5 },
      /"failureRate" is not an option of a circuit here\. Known are: failureRatio/,
    ],
    ['a ratio in percent', { failureRatio: 50 }, /^failureRatio must be a number above 0 and at most 1/],
    ['a ratio of 0', { failureRatio: 0 }, /^failureRatio/],
    ['a ratio that is not a number', { failureRatio: NaN }, /^failureRatio .* not NaN/],
    ['no calls', { minimumCalls: 0 }, /^minimumCalls must be a whole number from 1 to 1000000, not 0/],
    ['half an instance', { minInstances: 1.5 }, /^minInstances must be a whole number from 1 to 100, not 1\.5/],
    ['a window in milliseconds', { window: 30_000 }, /^window: a bare number is seconds/],
    ['a short window', { window: '50ms' }, /^window: "50ms" is too short; it must be at least 100 ms/],
    ['no time to be open', { openFor: 0 }, /^openFor: 0 is too short/],
    ['a fallback in code', { fallback: () => 1 }, /"fallback" is not an option of a circuit here/],
    ['isFailure that is no function', { isFailure: true }, /^isFailure must be a function/],
  ])('refuses %s', async (_, options, message) => {
    await expect(of(CircuitBreakerState).execute('stripe', () => 1, options as never)).rejects.toThrow(message);
  });

  it.each([
    ['', /not ""/],
    [7, /not 7/],
    [null, /not null/],
    ['\ud800', /whole characters/],
    ['a\0b', /whole characters/],
    ['x'.repeat(70_000), /has 70000 bytes/],
  ])('refuses %j as a name', async (name, message) => {
    await expect(of(CircuitBreakerState).getState(name as string)).rejects.toThrow(message);
  });

  it('refuses states, jobs and listeners that are none', async () => {
    const circuits = of(CircuitBreakerState);
    await expect(circuits.setState('a', 'halfOpen' as never)).rejects.toThrow(/'half-open', not "halfOpen"/);
    await expect(circuits.setState('a', 'closed', { for: '1s' })).rejects.toThrow(/only setState\(name, 'open'\)/);
    await expect(circuits.setState('a', 'open', { for: '-1s' as never })).rejects.toThrow(/^for: "-1s"/);
    await expect(circuits.execute('a', 1 as never)).rejects.toThrow(/the job must be a function/);
    await expect(circuits.subscribe('a', 1 as never)).rejects.toThrow(/the listener must be a function/);
  });
});
