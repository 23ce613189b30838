// @ts-check
/**
 * One instance of an application with an election, in a process of its own. It follows the messages of its parent, and
 * reports each change.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getLeaderElectionToken, LockingModule, RedisLockingProvider } from 'nestjs-locking';

const leader = {
  name: 'e',
  heartbeatInterval: process.env.HEARTBEAT ?? '200ms',
  leaderTimeout: process.env.LEADER_TIMEOUT ?? '1200ms',
};

class App {}
Module({
  imports: [
    LockingModule.forRoot({
      providers: [{ resolve: RedisLockingProvider, options: { redisUrl: process.env.REDIS_URL ?? '' } }],
    }),
    LockingModule.forFeature({ leaders: [/** @type {any} */ (leader)] }),
  ],
})(App);

const app = await NestFactory.createApplicationContext(App, { logger: false });
app.enableShutdownHooks();

/** @param {object} message */
const report = (message) => process.send?.(message);

/** @type {import('nestjs-locking').LeaderElection} */
const election = app.get(getLeaderElectionToken('e'));
election.events.on('leader', ({ fencingToken }) => report({ leader: fencingToken }));
election.events.on('follower', (term) => report({ follower: term?.fencingToken ?? 0 }));

const commands = {
  tell() {
    report({ leads: election.isLeader(), id: election.instanceId, token: election.fencingToken });
  },

  /** Asks in a loop in which nothing else runs, until the process has stood still. */
  watch() {
    report({ watching: true });
    setTimeout(() => {
      let last = performance.now();
      let led = false;
      for (;;) {
        // Read before it asks, so that the answer is about no earlier moment.
        const now = performance.now();
        const leads = election.isLeader();
        const { aborted } = election.signal;
        if (now - last > 500) {
          report({ thawed: now - last, led, leads, aborted });
          return;
        }
        led ||= leads;
        last = now;
      }
    }, 50);
  },

  async close() {
    await app.close();
    process.disconnect();
  },
};

process.on('message', (/** @type {{ do: keyof typeof commands }} */ message) => {
  void commands[message.do]();
});
if (election.isLeader()) report({ leader: election.fencingToken });
report({ ready: true });
