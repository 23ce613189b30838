import { expect, it } from '@jest/globals';
import { LockingModule } from '../../../lib/index.js';
import { LockingTestControl, LockingTestingModule } from '../../../lib/testing/index.js';
import { eventually } from '../../support/poll.js';
import { useInstances } from './support.js';

const start = useInstances();

it('an election in LockingTestingModule is renewed as the test moves its clock, and can be taken away', async () => {
  const leaders = [{ name: 'e' }];
  const { app, election, locking } = await start({
    imports: [LockingTestingModule.forRoot(), LockingModule.forFeature({ leaders })],
  });
  await eventually(() => election().isLeader());
  const { fencingToken, signal } = election();
  for (let minute = 0; minute < 60; minute += 1) await app.get(LockingTestControl).clock.advance('5s');
  expect(election().fencingToken).toBe(fencingToken);
  await locking.forceRelease('leader:e');
  await eventually(() => signal.aborted);
});

it('a leader whose machine was suspended does not lead from the first look on; one whose clock was set still does', async () => {
  const leaders = [{ name: 'e' }];
  const { app, election } = await start({
    imports: [LockingTestingModule.forRoot(), LockingModule.forFeature({ leaders })],
  });
  const { clock } = app.get(LockingTestControl);
  await eventually(() => election().isLeader());
  const { fencingToken, signal } = election();

  clock.setForward('1h');
  expect([election().isLeader(), signal.aborted]).toEqual([false, false]);
  await clock.advance(0);
  expect([election().isLeader(), election().fencingToken, signal.aborted]).toEqual([true, fencingToken, false]);

  clock.suspend('20s');
  expect(election().isLeader()).toBe(false);
  await clock.advance('1s');
  expect(signal.aborted).toBe(true);
  await eventually(() => election().isLeader());
  expect(election().fencingToken).toBeGreaterThan(fencingToken!);
});
