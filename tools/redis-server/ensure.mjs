// @ts-check
// Finds or fetches a Redis server before the tests, so that no test waits for a download.
import { findRedisServer } from './find-binary.mjs';

try {
  const { source, command, args, version } = await findRedisServer();
  console.log(`Redis server from ${source}: ${args.at(-1) ?? command} (${version})`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
