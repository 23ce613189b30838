// @ts-check
export { findRedisServer } from './find-binary.mjs';
export { startSentinels } from './sentinel.mjs';
export { startRedisServer } from './start.mjs';
