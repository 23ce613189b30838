// @ts-check
export { findRedisServer } from './find-binary.mjs';
export { startRedisServer } from './start.mjs';
