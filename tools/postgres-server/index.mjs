// @ts-check
export { startPostgresPair, startPostgresStandby } from './pair.mjs';
export { startPostgresServer } from './start.mjs';
