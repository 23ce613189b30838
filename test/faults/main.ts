import { readOptions } from './options.js';
import { keepResult } from './report/results.js';
import { summary } from './report/summary.js';
import { judgeAgain, run } from './run.js';

const interruption = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.log(`\n${signal}: no more faults; what there is so far is judged.`);
    interruption.abort();
  });
}

try {
  const options = readOptions(process.argv.slice(2));
  const { topology, seed, seconds } = options;
  if (options.history === undefined) console.log(`seed ${seed}: ${topology}, ${seconds} s of faults`);
  const say = (line: string): void => {
    console.log(line);
  };
  const outcome =
    options.history === undefined ? await run(options, interruption.signal, say) : await judgeAgain(options.history);
  console.log(summary(options, outcome));
  if (options.history === undefined && options.keepResult && !interruption.signal.aborted)
    await keepResult(options, outcome);
  if (outcome.breaches.length > 0) process.exitCode = 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
