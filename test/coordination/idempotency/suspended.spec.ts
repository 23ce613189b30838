import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Test, type TestingModule } from '@nestjs/testing';
import { IdempotencyService, isLockLostError, RecordService, type IdempotentRun } from '../../../lib/index.js';
import { LockingTestControl, LockingTestingModule, type ManualClock } from '../../../lib/testing/index.js';
import { track } from '../../support/faulty-provider.js';

let app: TestingModule;
let idempotency: IdempotencyService;
let clock: ManualClock;

beforeEach(async () => {
  app = await Test.createTestingModule({ imports: [LockingTestingModule.forRoot()] }).compile();
  idempotency = app.get(IdempotencyService);
  ({ clock } = app.get(LockingTestControl));
});

afterEach(async () => {
  jest.restoreAllMocks();
  await app.close();
});

/** Calls `then` between the claim of a run, which the store has carried out, and the return of its answer. */
function afterTheClaim(then: () => void): void {
  const records = app.get(RecordService);
  const write = records.write.bind(records);
  jest.spyOn(records, 'write').mockImplementationOnce(async (...claim: Parameters<typeof write>) => {
    const change = await write(...claim);
    then();
    return change;
  });
}

it('a job does not begin in a machine that slept beyond the lease while its run was noted', async () => {
  afterTheClaim(() => {
    clock.suspend('31s');
  });
  const job = jest.fn(() => 'twice');
  const run = track(idempotency.run('k', 1, job));
  await clock.advance(0);
  expect(run.outcome).toMatchObject({ status: 'rejected' });
  expect(isLockLostError((run.outcome as PromiseRejectedResult).reason)).toBe(true);
  expect(job).not.toHaveBeenCalled();

  const next = track(idempotency.run('k', 1, ({ attempt }: IdempotentRun) => attempt));
  await clock.advance(0);
  expect(next.outcome).toEqual({ status: 'fulfilled', value: 1 });
});

it('a job begins after a leap of the time of day, once the store has said that its lock is held', async () => {
  afterTheClaim(() => {
    clock.setForward('1h');
  });
  const run = track(idempotency.run('k', 1, ({ lock }) => lock.held));
  await clock.advance(0);
  expect(run.outcome).toEqual({ status: 'fulfilled', value: true });
});
