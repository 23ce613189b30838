// @ts-check
// Makes sure before the tests that there is a Redis server to run, so that no test has to wait for a download.
import { findRedisServer } from './find-binary.mjs';

try {
  const { source, command, args, version } = await findRedisServer();
  console.log(`Redis server from ${source}: ${args.at(-1) ?? command} (${version})`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
