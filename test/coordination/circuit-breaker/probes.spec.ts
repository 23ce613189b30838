import { describe, expect, it, jest } from '@jest/globals';
import {
  CircuitBreakerState,
  isCircuitOpenError,
  LockingService,
  RecordService,
  type CircuitBreakerOptions,
  type CircuitState,
} from '../../../lib/index.js';
import { deferred } from '../../support/deferred.js';
import { LockingTestControl } from '../../../lib/testing/index.js';
import { useManualClock } from './support.js';

const OPTIONS = {
  minimumCalls: 2,
  window: '10s',
  openFor: '30s',
  minInstances: 1,
  probeTimeout: '1h',
} as const satisfies CircuitBreakerOptions;

const PROBE_LOCK = 'circuit-breaker:stripe';
const RECORD = 'circuit-breaker/stripe';

const { of, advance } = useManualClock();

const call = async (job: () => unknown = () => 'done') =>
  of(CircuitBreakerState)
    .execute('stripe', job, OPTIONS)
    .catch((error: unknown) => (isCircuitOpenError(error) ? error.state : error));

/** What an operator of another instance has written; this one learns of it if it is told, or reads. */
async function writeState(state: CircuitState, change = 'by another instance'): Promise<void> {
  await of(RecordService).write(RECORD, { state, change, openFor: null, reports: [] }, { ttl: null });
}

/** Puts the circuit into the half-open state, and makes a call that hangs the probe. */
async function hangProbe(): Promise<{ end: (error?: Error) => void; ended: Promise<unknown> }> {
  await of(CircuitBreakerState).setState('stripe', 'half-open', OPTIONS);
  const gate = deferred();
  const [begun, ended] = [deferred(), deferred<unknown>()];
  void call(async () => {
    begun.resolve();
    await gate.promise;
  }).then(ended.resolve);
  await begun.promise;
  return { end: (error) => (error ? gate.reject(error) : gate.resolve()), ended: ended.promise };
}

describe('a probe that hangs', () => {
  it.each(['closed', 'open', 'half-open'] as const)(
    'frees the slot when an operator sets the state to %s: the next half-open state has its probe at once',
    async (state) => {
      const { end, ended } = await hangProbe();
      await of(CircuitBreakerState).setState('stripe', state, OPTIONS);
      await advance('0ms');
      expect(await of(LockingService).inspect(PROBE_LOCK)).toBeNull();
      if (state !== 'half-open') {
        await of(CircuitBreakerState).setState('stripe', 'open', OPTIONS);
        await advance('30s');
      }
      expect(await call()).toBe('done');
      await advance('0ms');
      expect(await of(CircuitBreakerState).getState('stripe', OPTIONS)).toMatchObject({ state: 'closed' });
      end(new Error('late'));
      await ended;
      await advance('0ms');
      expect(await of(CircuitBreakerState).getState('stripe', OPTIONS)).toMatchObject({ state: 'closed', calls: 0 });
    },
  );

  it('frees the slot within a second where the message of the new state is lost', async () => {
    jest.spyOn(of(RecordService), 'watch').mockResolvedValue(() => undefined);
    await hangProbe();
    await writeState('closed');
    await advance('0ms');
    expect(await of(LockingService).inspect(PROBE_LOCK)).not.toBeNull();
    await advance('1s');
    expect(await of(LockingService).inspect(PROBE_LOCK)).toBeNull();
  });

  it('frees the slot of an instance that is open for itself alone', async () => {
    const options = { ...OPTIONS, minInstances: 2 };
    const circuits = of(CircuitBreakerState);
    for (let calls = 0; calls < 2; calls += 1) await circuits.recordFailure('stripe', options);
    await advance('30s');
    const gate = deferred();
    const hanging = circuits.execute('stripe', () => gate.promise, options);
    await advance('0ms');
    expect(await circuits.getState('stripe', options)).toMatchObject({ state: 'half-open', scope: 'instance' });
    await circuits.setState('stripe', 'half-open', options);
    expect(await circuits.execute('stripe', () => 'done', options)).toBe('done');
    gate.resolve();
    await hanging;
  });

  it('keeps no timer once it has ended', async () => {
    const { end, ended } = await hangProbe();
    end();
    await ended;
    await advance('10s');
    // The sweep of the records in memory.
    expect(of(LockingTestControl).clock.pendingTimers).toBeLessThanOrEqual(1);
  });
});

describe('a late probe', () => {
  it.each([
    ['success', 'open'],
    ['failure', 'closed'],
    ['success', 'half-open'],
  ] as const)(
    'that ends in %s after its half-open state has ended, of which its instance has not heard, leaves the circuit %s',
    async (outcome, state) => {
      jest.spyOn(of(RecordService), 'watch').mockResolvedValue(() => undefined);
      const { end, ended } = await hangProbe();
      await writeState(state);
      end(outcome === 'failure' ? new Error('the service is down') : undefined);
      await ended;
      await advance('0ms');
      expect((await of(RecordService).read(RECORD))?.value).toMatchObject({ state, change: 'by another instance' });
      expect((await of(CircuitBreakerState).getState('stripe', OPTIONS)).state).toBe(state);
    },
  );

  it('whose state was set anew while it asked for the slot is no probe, and takes none', async () => {
    await of(CircuitBreakerState).setState('stripe', 'half-open', OPTIONS);
    const records = of(RecordService);
    const write = records.write.bind(records);
    jest.spyOn(records, 'write').mockImplementationOnce(async (...args) => {
      const change = await write(...args);
      await writeState('closed', 'while it asked');
      await advance('0ms');
      return change;
    });
    expect(await call()).toBe('done');
    await advance('0ms');
    expect((await records.read(RECORD))?.value).toMatchObject({ state: 'closed', change: 'while it asked' });
    expect(await of(LockingService).inspect(PROBE_LOCK)).toBeNull();
  });
});
