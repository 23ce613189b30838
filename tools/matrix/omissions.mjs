// @ts-check
/**
 * What a run leaves out, and why: here for every column, in columns.mjs for one.
 *
 * @typedef {object} Omission
 * @property {string} [path] a folder, or the beginning of a path
 * @property {string} [test] the end of a test's full name
 * @property {string} reason
 */

/** @type {readonly Omission[]} left out by `--quick` */
const quick = [
  { path: 'test/foreign/', reason: 'installs and runs other lock libraries, on an ioredis of their own' },
  { path: 'test/package/', reason: 'installs the packed package into applications with versions of their own' },
  { path: 'test/sample/', reason: 'starts the demo in many processes' },
  { path: 'test/model/', reason: 'long, and nothing in it but the engine: no Nest, no ioredis, no server' },
  { path: 'test/faults/', reason: 'long: the whole harness of faults, and its own checker' },
  { path: 'test/overload/', reason: 'long: ten thousand waiters, which the engine has to bear and not its peers' },
  { path: 'test/tools/', reason: 'what starts the servers for the tests, of which all the others make use' },
  { path: 'test/conformance/redis-quorum', reason: 'long: six times the suite that test/conformance/redis is' },
  { path: 'test/docs/', reason: 'compiles the examples of the documentation' },
];

/**
 * @param {import('./columns.mjs').Column} column
 * @param {{ quick: boolean }} options
 * @returns {readonly Omission[]}
 */
export function omissionsIn(column, options) {
  return [...(column.omitted ?? []), ...(options.quick ? quick : [])];
}
