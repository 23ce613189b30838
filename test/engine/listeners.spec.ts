import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { getEventListeners, getMaxListeners } from 'node:events';
import { EMPTY, lastValueFrom, NEVER, Subscription } from 'rxjs';
import { lockObservable } from '../../lib/decorators/lock-observable.js';
import { track } from '../support/faulty-provider.js';
import { SharedStore, times, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let engine: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  engine = world.process();
});

afterEach(() => {
  jest.restoreAllMocks();
});

/** Node warns of a leak when a signal has more listeners than this. */
const expectNoLimit = (signal: AbortSignal): void => expect(getMaxListeners(signal)).toBe(Infinity);

describe('the signal of a lock', () => {
  it('dozens of operations may use the signal of a lock without a warning from Node', async () => {
    expectNoLimit((await engine.acquire('a')).signal);
  });

  it('the signal of a call that joined one lock and acquired another has no limit of listeners either', async () => {
    await engine.execute('a', () => engine.execute(['a', 'b'], ({ signal }) => expectNoLimit(signal)));
  });

  it('the signal of several locks aborts with the first that is lost, and its reason', async () => {
    await engine
      .execute('a', () =>
        engine.execute(['a', 'b'], async ({ signal }) => {
          expect(signal.aborted).toBe(false);
          await engine.engine.byKey.forceRelease(['b']);
          expect(signal).toMatchObject({ aborted: true, reason: { code: 'LOCK_LOST', keys: ['b'] } });
        }),
      )
      .catch(() => undefined);
  });

  it('the signal of a lock keeps no listeners of joined calls that have ended', async () => {
    const any = jest.spyOn(AbortSignal, 'any');
    await engine.execute('a', async (outer) => {
      for (let round = 0; round < 20; round += 1) {
        await engine.execute(['a', 'b'], ({ signal }) => expect(signal).not.toBe(outer.signal));
      }
      expect(getEventListeners(outer.signal, 'abort')).toEqual([]);
    });
    expect(any).not.toHaveBeenCalled();
  });
});

describe('an Observable under a lock', () => {
  const execute: Parameters<typeof lockObservable>[0] = (job, options) => engine.execute('a', job, options);

  it('an Observable that has ended leaves no listener on its signal', async () => {
    const any = jest.spyOn(AbortSignal, 'any');
    const { signal } = new AbortController();
    for (let round = 0; round < 20; round += 1) {
      await lastValueFrom(
        lockObservable(
          execute,
          () => EMPTY,
          signal,
          () => EMPTY,
        ),
        { defaultValue: undefined },
      );
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(any).not.toHaveBeenCalled();
  });

  it('the signal of an Observable cancels its wait', async () => {
    await engine.acquire('a', { ownerId: 'x' });
    const abort = new AbortController();
    const refused = jest.fn<(error: unknown) => typeof EMPTY>(() => EMPTY);
    const ended = track(
      lastValueFrom(
        lockObservable(execute, () => NEVER, abort.signal, refused),
        { defaultValue: undefined },
      ),
    );
    await world.settle();
    abort.abort('enough');
    await world.settle();
    expect(refused).toHaveBeenCalledWith('enough');
    expect(ended.outcome?.status).toBe('fulfilled');
  });

  it('fifteen Observables in one job, or with one signal, cause no warning from Node', async () => {
    const { signal } = new AbortController();
    await engine.execute('a', async (lock) => {
      const all = new Subscription();
      times(15, () =>
        all.add(
          lockObservable(
            execute,
            () => NEVER,
            signal,
            () => EMPTY,
          ).subscribe(),
        ),
      );
      await world.settle();
      expect(getEventListeners(lock.signal, 'abort')).toHaveLength(15);
      expectNoLimit(lock.signal);
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
      all.unsubscribe();
    });
  });
});
