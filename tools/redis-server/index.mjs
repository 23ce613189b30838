// @ts-check
export { findRedisServer } from './find-binary.mjs';
export { startSentinels } from './sentinel.mjs';
export { startRedisCluster } from './cluster.mjs';
export { serverNames } from './named-servers.mjs';
export { startRedisServer } from './start.mjs';
