// @ts-check
/**
 * The tests that `npm test` leaves out, so that it ends within five minutes, and that `npm run test:all` runs. If you
 * change code that one of them covers, run it by its path: `npm test -- test/quorum`.
 *
 * @typedef {object} LongTest
 * @property {string} path a folder, or the beginning of a path
 * @property {string} reason
 * @property {boolean | 'lowest'} [dependsOnVersions] whether both ends of the matrix must run it, or the lowest alone: the tests
 *   of this project run on nearly the highest versions
 */

/** @type {readonly LongTest[]} */
export const longTests = [
  { path: 'test/topologies/', reason: 'Sentinels and clusters are started and fail over', dependsOnVersions: 'lowest' },
  { path: 'test/quorum/', reason: 'five servers that are killed, hung and emptied', dependsOnVersions: 'lowest' },
  { path: 'test/conformance/redis-quorum', reason: 'six times the suite that test/conformance/redis is' },
  { path: 'test/conformance/broken-providers', reason: 'the suite once for each of the broken providers' },
  { path: 'test/faults/', reason: 'the harness of faults against real processes, and its own checker' },
  { path: 'test/processes/', reason: 'processes that are killed, frozen and suspended', dependsOnVersions: 'lowest' },
  { path: 'test/package/', reason: 'installs the packed package into applications with versions of their own' },
  { path: 'test/foreign/', reason: 'installs and runs other lock libraries, on an ioredis of their own' },
  { path: 'test/sample/', reason: 'starts the demo in many processes' },
  { path: 'test/docs/', reason: 'compiles and runs the examples of the documentation' },
  { path: 'test/tools/', reason: 'what starts the servers for the tests, of which all the others make use' },
  { path: 'test/overload/', reason: 'ten thousand waiters' },
  { path: 'test/soak/', reason: 'a short run of npm run soak' },
  { path: 'test/model/', reason: 'thousands of random schedules of the engine' },
  { path: 'test/postgres/pgbouncer', reason: 'PgBouncer is fetched where the machine has none' },
  { path: 'test/minified/', reason: 'bundles an application' },
  { path: 'test/engine/convoy', reason: 'many thousand calls that block one another' },
  { path: 'test/redis/dark-connection', reason: 'silence is only noticed after seconds', dependsOnVersions: 'lowest' },
  { path: 'test/redis/nonsense', reason: 'answers that no server gives, thousands of them' },
  {
    path: 'test/module/shutdown-when-hung',
    reason: 'silence is only noticed after seconds',
    dependsOnVersions: 'lowest',
  },
  { path: 'test/module/hung-server', reason: 'silence is only noticed after seconds', dependsOnVersions: 'lowest' },
  { path: 'test/service/dropped-locks', reason: 'a process of its own, whose memory is collected again and again' },
  { path: 'test/coordination/schedule/minute', reason: 'processes with real clocks, for a minute' },
  { path: 'test/coordination/schedule/take-over', reason: 'processes that die in the middle of a tick' },
  { path: 'test/coordination/bullmq/crash', reason: 'workers that are killed' },
  { path: 'test/coordination/circuit-breaker/processes', reason: 'processes that are killed and frozen' },
  { path: 'test/coordination/circuit-breaker/store-down', reason: 'silence is only noticed after seconds' },
  { path: 'test/coordination/idempotency/processes', reason: 'processes that are killed and frozen' },
  { path: 'test/coordination/cache/processes', reason: 'four processes, one of which is killed or frozen' },
  { path: 'test/coordination/idempotency/http-processes', reason: 'processes that are killed and frozen' },
  { path: 'test/coordination/checkpoints/transaction-processes', reason: 'processes that are killed and frozen' },
  { path: 'test/coordination/leader-election/processes', reason: 'processes that are killed and frozen' },
  { path: 'test/operations/dashboard/browser', reason: 'Chromium is started, and fetched where there is none' },
  { path: 'test/coordination/leader-election/store-down', reason: 'outages that outlast a term' },
];
