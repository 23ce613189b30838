import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  CircuitBreakerState,
  isCircuitOpenError,
  LockingService,
  RecordService,
  type CircuitBreakerChange,
  type CircuitBreakerOptions,
} from '../../../lib/index.js';
import { deferred } from '../../support/deferred.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { onEveryStore } from '../../support/stores.js';

/** Long enough that no test waits for it. */
const LONG = { minimumCalls: 2, openFor: '1h', window: '1h' } as const satisfies CircuitBreakerOptions;

/** Short enough to wait for. */
const SHORT = { minimumCalls: 2, openFor: '50ms', window: '1h' } as const satisfies CircuitBreakerOptions;

const fails = () => Promise.reject(new Error('the service is down'));
const succeeds = () => Promise.resolve('done');

async function failTwice(circuits: CircuitBreakerState, options: CircuitBreakerOptions): Promise<void> {
  await circuits.recordFailure('stripe', options);
  await circuits.recordFailure('stripe', options);
}

let warnings: string[] = [];

beforeEach(() => {
  warnings = [];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation((line) => {
    warnings.push(String(line));
  });
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('CircuitBreakerState', () => {
  onEveryStore((store) => {
    const open = async () => (await store.openApplication()).get(CircuitBreakerState);

    it('a circuit is closed, counts calls, and passes on what they come to', async () => {
      const circuits = await open();
      expect(await circuits.execute('stripe', succeeds, LONG)).toBe('done');
      expect((await rejectionOf(circuits.execute('stripe', fails, { ...LONG, minimumCalls: 3 }))).message).toMatch(
        /^The circuit "stripe" has other options in this process already: .*"minimumCalls":2.*"minimumCalls":3/,
      );
      expect(await circuits.getState('stripe', LONG)).toEqual({
        name: 'stripe',
        state: 'closed',
        scope: 'shared',
        retryAfter: 0,
        calls: 1,
        failures: 0,
        instances: 0,
        storeReached: true,
      });
      expect((await rejectionOf(circuits.execute('stripe', fails, LONG))).message).toBe('the service is down');
    });

    it('one bad instance opens the circuit for itself, and no other', async () => {
      const [bad, good] = [await open(), await open()];
      const info = await failTwice(bad, LONG).then(() => bad.getState('stripe', LONG));
      expect(info).toMatchObject({ state: 'open', scope: 'instance', instances: 1, calls: 0 });
      const job = jest.fn(succeeds);
      const error = await rejectionOf(bad.execute('stripe', job, LONG));
      expect(job).not.toHaveBeenCalled();
      expect(isCircuitOpenError(error) && error).toMatchObject({ circuit: 'stripe', state: 'open', keys: [] });
      expect(error.message).toMatch(/^The circuit "stripe" is open in this instance/);
      expect(isCircuitOpenError(error) && error.retryAfter).toBeGreaterThan(3000);
      expect(await good.execute('stripe', succeeds, LONG)).toBe('done');
      expect(await good.getState('stripe', LONG)).toMatchObject({ state: 'closed', instances: 1 });
    });

    it('as many instances as minInstances open the circuit for all, also for one that starts later', async () => {
      const [one, two, other] = [await open(), await open(), await open()];
      const changes: CircuitBreakerChange[] = [];
      await other.subscribe('stripe', (change) => changes.push(change), LONG);
      await failTwice(one, LONG);
      await failTwice(two, LONG);
      expect(await two.getState('stripe', LONG)).toMatchObject({ state: 'open', scope: 'shared' });
      await eventually(() => changes.length > 0);
      expect(changes).toEqual([
        { name: 'stripe', state: 'open', scope: 'shared', previous: 'closed', retryAfter: expect.any(Number) },
      ]);
      expect(isCircuitOpenError(await rejectionOf(other.execute('stripe', succeeds, LONG)))).toBe(true);
      const late = await open();
      expect((await rejectionOf(late.execute('stripe', succeeds, LONG))).message).toMatch(
        /^The circuit "stripe" is open, as too many calls failed: the call was not made\. Try again in \d+ ms\.$/,
      );
    });

    it('instances that open it for themselves at the same time are all counted', async () => {
      const instances = await Promise.all(Array.from({ length: 5 }, open));
      const options = { ...LONG, minInstances: 5 };
      await Promise.all(instances.map((circuits) => failTwice(circuits, options)));
      expect(await instances[0]!.getState('stripe', options)).toMatchObject({ state: 'open', scope: 'shared' });
    });

    it('with minInstances 1, one instance opens it for all', async () => {
      const [one, two] = [await open(), await open()];
      const options = { ...LONG, minInstances: 1 };
      await failTwice(one, options);
      expect(isCircuitOpenError(await rejectionOf(two.execute('stripe', succeeds, options)))).toBe(true);
    });

    it('one probe over all instances closes it; calls meanwhile are refused', async () => {
      const [one, two] = [await open(), await open()];
      const options = { ...SHORT, minInstances: 1 };
      await failTwice(one, options);
      for (const circuits of [one, two]) {
        await eventually(async () => {
          const { state, retryAfter } = await circuits.getState('stripe', options);
          return state === 'open' && retryAfter === 0;
        });
      }
      const gate = deferred();
      const job = jest.fn(() => gate.promise);
      let refused = 0;
      const calls = [one, two, one, two].map((circuits) =>
        circuits.execute('stripe', job, options).then(
          () => 'ran',
          (error: unknown) => {
            refused += 1;
            return isCircuitOpenError(error) ? error.state : error;
          },
        ),
      );
      await eventually(() => refused === 3);
      await eventually(async () => (await two.getState('stripe', options)).state === 'half-open');
      gate.resolve();
      expect((await Promise.all(calls)).sort()).toEqual(['half-open', 'half-open', 'half-open', 'ran']);
      expect(job).toHaveBeenCalledTimes(1);
      await eventually(async () => (await one.getState('stripe', options)).state === 'closed');
      await eventually(async () => (await two.getState('stripe', options)).state === 'closed');
      expect(await two.execute('stripe', succeeds, options)).toBe('done');
    });

    it('a probe that fails opens the circuit again, for all', async () => {
      const [one, two] = [await open(), await open()];
      const options = { ...SHORT, minInstances: 1 };
      const changes: string[] = [];
      await two.subscribe('stripe', ({ state }) => changes.push(state), options);
      await failTwice(one, options);
      await eventually(async () => (await one.getState('stripe', options)).retryAfter === 0);
      const gate = deferred();
      const probe = one.execute(
        'stripe',
        async () => {
          await gate.promise;
          return fails();
        },
        options,
      );
      // Else the other instance may see nothing of a state that is over at once.
      await eventually(() => changes.includes('half-open'));
      gate.resolve();
      expect((await rejectionOf(probe)).message).toBe('the service is down');
      await eventually(() => changes.filter((state) => state === 'open').length === 2);
      expect(changes).toEqual(['open', 'half-open', 'open']);
    });

    it('a probe that takes too long counts as failed, and its late success does not count', async () => {
      const circuits = await open();
      const options = { ...SHORT, minInstances: 1, probeTimeout: '50ms' } as const;
      await failTwice(circuits, options);
      await eventually(async () => (await circuits.getState('stripe', options)).retryAfter === 0);
      const gate = deferred();
      const changes: string[] = [];
      await circuits.subscribe('stripe', ({ state }) => changes.push(state), options);
      const probe = circuits.execute('stripe', () => gate.promise, options);
      await eventually(() => changes.length >= 2);
      expect(changes).toEqual(['half-open', 'open']);
      gate.resolve();
      await probe;
      expect((await circuits.getState('stripe', options)).state).toBe('open');
    });

    it('a probe that hangs in one instance does not keep another from probing the next half-open state', async () => {
      const [one, two] = [await open(), await open()];
      const options = { ...LONG, minInstances: 1 };
      await one.setState('stripe', 'half-open', options);
      const [gate, begun] = [deferred(), deferred()];
      const hanging = one.execute(
        'stripe',
        async () => {
          begun.resolve();
          await gate.promise;
        },
        options,
      );
      await begun.promise;
      expect(isCircuitOpenError(await rejectionOf(two.execute('stripe', succeeds, options)))).toBe(true);
      await two.setState('stripe', 'half-open', options);
      await eventually(async () => (await two.execute('stripe', succeeds, options).catch(() => '')) === 'done');
      gate.resolve();
      await hanging;
      expect((await two.getState('stripe', options)).state).toBe('closed');
    });

    it('an operator opens and closes it for all, and ends what an instance has opened for itself', async () => {
      const [one, two] = [await open(), await open()];
      await failTwice(two, LONG);
      expect(await one.setState('stripe', 'open', { ...LONG, for: null })).toMatchObject({
        state: 'open',
        retryAfter: Infinity,
      });
      await eventually(async () => (await two.getState('stripe', LONG)).retryAfter === Infinity);
      expect((await rejectionOf(two.execute('stripe', succeeds, LONG))).message).toMatch(/An operator holds it open/);
      await one.setState('stripe', 'closed', LONG);
      await eventually(async () => (await two.getState('stripe', LONG)).state === 'closed');
      expect(await two.execute('stripe', succeeds, LONG)).toBe('done');
      await failTwice(two, LONG);
      await one.setState('stripe', 'closed', LONG);
      await eventually(async () => (await two.getState('stripe', LONG)).state === 'closed');
      await one.setState('stripe', 'half-open', LONG);
      expect((await two.getState('stripe', LONG)).state).toBe('half-open');
      expect(await two.execute('stripe', succeeds, LONG)).toBe('done');
      await eventually(async () => (await one.getState('stripe', LONG)).state === 'closed');
    });

    it('an instance that recovers takes back its report', async () => {
      const circuits = await open();
      await failTwice(circuits, SHORT);
      expect(await circuits.getState('stripe', SHORT)).toMatchObject({ scope: 'instance', instances: 1 });
      await eventually(async () => (await circuits.getState('stripe', SHORT)).retryAfter === 0);
      await circuits.recordSuccess('stripe', SHORT);
      expect(await circuits.getState('stripe', SHORT)).toMatchObject({ state: 'closed', instances: 0 });
    });

    it('calls recorded by hand end an open circuit once its time is over, and not before', async () => {
      const circuits = await open();
      const options = { ...LONG, minInstances: 1 };
      await failTwice(circuits, options);
      expect((await circuits.recordSuccess('stripe', options)).state).toBe('open');
      await circuits.setState('stripe', 'half-open', options);
      expect((await circuits.recordFailure('stripe', options)).state).toBe('open');
      await circuits.setState('stripe', 'half-open', options);
      expect((await circuits.recordSuccess('stripe', options)).state).toBe('closed');
    });

    it('circuits of other names are other circuits, however odd their names are', async () => {
      const [one, two] = [await open(), await open()];
      const options = { ...LONG, minInstances: 1 };
      const names = ['a', 'a/b', '*', 'ä:\n', '\u{1f50c}', 'x'.repeat(5000), `${'x'.repeat(5000)}y`, '__proto__', ' '];
      for (const [index, name] of names.entries()) {
        if (index % 2 === 0) await one.setState(name, 'open', options);
      }
      for (const [index, name] of names.entries()) {
        expect((await two.getState(name, options)).state).toBe(index % 2 === 0 ? 'open' : 'closed');
      }
    });

    it('a record that other software has written is not trusted, and an operator writes it anew', async () => {
      const application = await store.openApplication();
      const [circuits, records] = [application.get(CircuitBreakerState), application.get(RecordService)];
      for (const value of [
        null,
        7,
        'open',
        { state: 'ajar' },
        { state: 'open', change: 'x', openFor: -1, reports: [] },
      ]) {
        await records.write('circuit-breaker/stripe', value, { ttl: '1m' });
        expect(await circuits.getState('stripe', LONG)).toMatchObject({ state: 'closed', storeReached: false });
        expect(await circuits.execute('stripe', succeeds, LONG)).toBe('done');
      }
      expect(warnings.join('\n')).toMatch(/has another form: other software/);
      expect(await circuits.setState('stripe', 'open', LONG)).toMatchObject({ state: 'open', storeReached: true });
    });

    it('the lock of the probe cannot be taken by a caller from outside', async () => {
      const locking = await store.open();
      expect((await rejectionOf(locking.acquire('circuit-breaker:stripe'))).message).toMatch(
        /are those of circuit breakers/,
      );
    });

    it('a call inside a lock that is lost, or inside a probe of its own circuit, is not refused by it', async () => {
      const application = await store.openApplication();
      const [circuits, locking] = [application.get(CircuitBreakerState), application.get(LockingService)];
      const options = { ...LONG, minInstances: 1 };
      await circuits.setState('stripe', 'half-open', options);
      const inner = () => circuits.execute('stripe', succeeds, options);
      expect(await locking.execute('order', () => circuits.execute('stripe', inner, options))).toBe('done');
      await eventually(async () => (await circuits.getState('stripe', options)).state === 'closed');
    });
  });
});
