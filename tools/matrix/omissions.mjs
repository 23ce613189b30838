// @ts-check
/**
 * What a run leaves out, and why: here for every column, in columns.mjs for one.
 *
 * @typedef {{ path: string, reason: string }} Omission
 */

/** @type {readonly Omission[]} left out by `--quick` */
const quick = [
  { path: 'test/foreign/', reason: 'installs and runs other lock libraries, on an ioredis of their own' },
  { path: 'test/package/', reason: 'installs the packed package into applications with versions of their own' },
  { path: 'test/sample/', reason: 'starts the demo in many processes' },
  { path: 'test/model/', reason: 'long, and nothing in it but the engine: no Nest, no ioredis, no server' },
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
