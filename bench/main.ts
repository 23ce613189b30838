import 'reflect-metadata';
import { findRedisServer } from '../tools/redis-server/index.mjs';
import { describeMachine } from './machine.js';
import { compare, ROUNDS, SLICE } from './measure.js';
import { setUp } from './setup.js';
import { formatTable } from './table.js';
import { WORK } from './rows/index.js';

/**
 * What locks cost, next to the least that the same work can cost on this machine. Both sides of a row run in turn,
 * round by round, as a machine's speed drifts: trust the ratios, and compare absolute figures within one run only.
 */
const bench = await setUp();
try {
  console.log(describeMachine((await findRedisServer()).version));
  console.log(`Medians of ${String(ROUNDS)} rounds of ${String(SLICE)} ms for each side, in alternation.\n`);
  const rows = [];
  for (const work of WORK) rows.push(await compare(await work(bench)));
  console.log(formatTable(rows));
} finally {
  await bench.tearDown();
}
