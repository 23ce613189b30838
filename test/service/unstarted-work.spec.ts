import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SchedulerRegistry } from '@nestjs/schedule';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { defer, of, Subject } from 'rxjs';
import { isLockConfigurationError, LockingModule, LockingService } from '../../lib/index.js';
import { lockedProcessor } from '../../lib/coordination/bullmq/index.js';
import { OncePerTick } from '../../lib/coordination/schedule/index.js';
import { LogCapture } from '../support/log-capture.js';

type Job = () => unknown;

const ran = jest.fn();

/** A second copy of rxjs, as an application may have. */
const otherRxjs = createRequire(import.meta.url)('../../node_modules/rxjs/dist/bundles/rxjs.umd.js') as {
  defer: typeof defer;
};

async function* generate(): AsyncGenerator<number> {
  ran();
  yield Promise.resolve(1);
}

/** The plain object that a compiler makes of an async generator for older targets. */
const compiled = (): object => {
  const object = {
    next: ran,
    throw: ran,
    return: ran,
    [Symbol.asyncIterator]: () => object,
  };
  return object;
};

const observable = () => defer(() => of(ran()));
const UNSTARTED: [what: string, job: Job, word: string][] = [
  ['an Observable', observable, 'an Observable'],
  ['an Observable of another copy of rxjs', () => otherRxjs.defer(() => of(ran())), 'an Observable'],
  ['a Subject', () => new Subject(), 'an Observable'],
  ['a Promise of an Observable', async () => Promise.resolve(observable()), 'an Observable'],
  ['an async generator', generate, 'a generator'],
  ['a generator', syncGenerator, 'a generator'],
  ['a compiled async generator', compiled, 'a generator'],
  ['a Promise of an async generator', async () => Promise.resolve(generate()), 'a generator'],
];

function* syncGenerator(): Generator<number> {
  ran();
  yield 1;
}

describe('a job that returns work instead of doing it', () => {
  let app: INestApplicationContext;
  let locking: LockingService;
  const log = new LogCapture();
  beforeEach(async () => {
    app = await NestFactory.createApplicationContext(LockingModule.forRoot(), { logger: log, abortOnError: false });
    locking = app.get(LockingService);
    ran.mockClear();
  });
  afterEach(async () => app.close());

  const calls: [name: string, call: (job: Job) => Promise<unknown>][] = [
    ['execute', async (job) => locking.execute('key', job)],
    ['execute inside another', async (job) => locking.execute('key', async () => locking.execute('key', job))],
    ['singleton', async (job) => locking.singleton('key', job)],
    ['OncePerTick.run', async (job) => ticks().run('key', job, { every: '1h' })],
    ['OncePerTick.run with overlap', async (job) => ticks().run('key', job, { every: '1h', allowOverlap: true })],
    [
      'lockedProcessor',
      async (job) => lockedProcessor(locking, 'key', job as never)({ moveToDelayed: ran } as never, 'token'),
    ],
  ];
  const ticks = (): OncePerTick => new OncePerTick(locking, new SchedulerRegistry());

  describe.each(calls)('%s', (_name, call) => {
    it.each(UNSTARTED)('a job that returns %s is refused, and nothing of it is run', async (_what, job, word) => {
      const error = await call(job).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(isLockConfigurationError(error)).toBe(true);
      expect((error as Error).message).toMatch(`The job under`);
      expect((error as Error).message).toMatch(`returned ${word}`);
      expect(ran).not.toHaveBeenCalled();
      expect(await locking.inspect('key')).toBeNull();
    });

    it.each<[string, () => unknown]>([
      ['an array', () => [1]],
      ['the iterator of a Map', () => new Map([[1, 2]]).values()],
      ['a stream', () => Readable.from([1])],
      ['a function', () => generate],
      ['an event target with subscribe', () => ({ subscribe: ran })],
      ['a Proxy that answers to every name', () => new Proxy({}, { get: (_t, name) => name !== 'then' && ran })],
      ['null', () => null],
    ])('%s counts as a result', async (_what, make) => {
      const result = make();
      expect(await call(() => result)).toBe(result);
    });
  });

  it('the error of a job that returns work names the remedy', async () => {
    await expect(locking.execute('key', observable)).rejects.toThrow(
      'The job under "key" returned an Observable, which would run after the lock has been released. It was not ' +
        'subscribed to. Return lastValueFrom(observable) of rxjs, or put @WithLock on a method that returns the Observable.',
    );
    await expect(locking.execute('key', generate)).rejects.toThrow(
      'The job under "key" returned a generator, which would run after the lock has been released. Nothing of it was ' +
        'run. Iterate over it inside the job, and return what that comes to.',
    );
  });
});
