// @ts-check
export { findRedisServer } from './find-binary.mjs';
export { serverNames } from './named-servers.mjs';
export { startRedisServer } from './start.mjs';
