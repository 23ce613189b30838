// @ts-check
export { findPostgres } from './find-binaries.mjs';
export { startPostgresPair, startPostgresStandby } from './pair.mjs';
export { startPostgresServer } from './start.mjs';
