// @ts-check
export { startPostgresPair } from './pair.mjs';
export { startPostgresServer } from './start.mjs';
