import { readOptions } from './options.js';
import { runBench } from './run-bench.js';

try {
  await runBench(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
