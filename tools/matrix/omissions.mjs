// @ts-check
import { longTests } from '../test/long-tests.mjs';

/**
 * The tests that a run leaves out, and why: here for every column, in columns.mjs for one.
 *
 * @typedef {object} Omission
 * @property {string} [path] a folder, or the beginning of a path
 * @property {string} [test] the end of a test's full name
 * @property {string} reason
 */

/**
 * Left out by `--quick`.
 *
 * @param {import('./columns.mjs').Column} column
 * @returns {readonly Omission[]}
 */
function quick({ name }) {
  return longTests.filter(({ dependsOnVersions: on }) => !(on === true || (on === 'lowest' && name === 'lowest')));
}

/**
 * @param {import('./columns.mjs').Column} column
 * @param {{ quick: boolean }} options
 * @returns {readonly Omission[]}
 */
export function omissionsIn(column, options) {
  return [...(column.omitted ?? []), ...(options.quick ? quick(column) : [])];
}
