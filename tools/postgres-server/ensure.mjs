// @ts-check
// Finds or fetches PostgreSQL before the tests, so that no test waits for a download.
import { findPostgres } from './find-binaries.mjs';
import { dataTemplate } from './template.mjs';

try {
  const binaries = await findPostgres();
  await dataTemplate(binaries);
  console.log(`PostgreSQL from ${binaries.source}: ${binaries.postgres} (${binaries.version})`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
