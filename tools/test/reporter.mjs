// @ts-check
import path from 'node:path';
import { clearInterval, setInterval } from 'node:timers';
import { styleText } from 'node:util';
import { endWorkers } from './end-workers.mjs';

/** A file that takes longer is named every so often, and one that takes longer still ends the run. */
const SLOW_MS = 3 * 60_000;
const HUNG_MS = 10 * 60_000;
const LOOK_EVERY_MS = 30_000;

/** How many lines of a failed file's output are shown. */
const SHOWN_LINES = 200;

/**
 * Prints one line for each file of tests, what has failed with all that the file wrote meanwhile, and a summary. The
 * output of files that passed is not shown: most of it are warnings that the tests provoke. The last line has a fixed
 * form, so that scripts can read the result whatever else was printed.
 *
 * @typedef {object} TestFileResult the fields of a result of Jest that are used here
 * @property {number} numFailingTests
 * @property {unknown} [testExecError]
 * @property {{ status: string, fullName: string }[]} testResults
 * @property {string | null} [failureMessage]
 * @property {{ message: string }[] | null} [console]
 *
 * @typedef {Record<'numPassedTests' | 'numFailedTests' | 'numRuntimeErrorTestSuites' | 'numPendingTests' | 'numTodoTests', number>} Counts
 */
export default class Reporter {
  /** @type {Map<string, number>} the files that run, and since when */
  #running = new Map();
  /** @type {{ file: string, seconds: number }[]} */
  #done = [];
  /** @type {string[]} */
  #failures = [];
  #total = 0;
  #before = 0;
  /** @type {NodeJS.Timeout | undefined} */
  #watch;

  /** @param {{ rootDir: string }} config */
  constructor({ rootDir }) {
    this.rootDir = rootDir;
  }

  /** @param {{ numTotalTestSuites: number }} results */
  onRunStart({ numTotalTestSuites }) {
    this.#total = numTotalTestSuites;
    this.#before = performance.now();
    this.#watch = setInterval(() => this.#look(), LOOK_EVERY_MS).unref();
    print(`${numTotalTestSuites} test files`);
  }

  /** @param {{ path: string }} test */
  onTestFileStart(test) {
    this.#running.set(this.#name(test.path), performance.now());
  }

  /**
   * @param {{ path: string }} test
   * @param {TestFileResult} result
   */
  onTestFileResult(test, result) {
    const file = this.#name(test.path);
    const seconds = (performance.now() - (this.#running.get(file) ?? performance.now())) / 1000;
    this.#running.delete(file);
    this.#done.push({ file, seconds });

    const failed = result.numFailingTests > 0 || result.testExecError !== undefined;
    const mark = failed ? styleText('red', 'FAIL') : styleText('green', 'PASS');
    print(`[${String(this.#done.length).padStart(3)}/${this.#total}] ${mark} ${file} (${seconds.toFixed(1)} s)`);
    if (!failed) return;

    const titles = result.testResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    for (const title of titles.length > 0 ? titles : ['could not be run']) this.#failures.push(`${file}: ${title}`);
    print(result.failureMessage ?? '');
    const written = (result.console ?? []).flatMap(({ message }) => message.split('\n'));
    if (written.length > 0) print(['What the file wrote:', ...written.slice(-SHOWN_LINES)].join('\n  '));
  }

  /**
   * @param {unknown} _contexts
   * @param {Counts} results
   */
  onRunComplete(_contexts, results) {
    clearInterval(this.#watch);
    if (this.#done.length > 10) {
      const slowest = this.#done.toSorted((a, b) => b.seconds - a.seconds).slice(0, 10);
      print('\nThe slowest files:');
      for (const { file, seconds } of slowest) print(`  ${seconds.toFixed(1).padStart(6)} s  ${file}`);
    }
    if (this.#failures.length > 0) print(`\nFailed:\n  ${this.#failures.join('\n  ')}`);
    print(`\n${this.#done.length} test files in ${minutes(performance.now() - this.#before)}`);

    // A file that could not be loaded has no failed tests, but must not look like a success.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    print(`${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
  }

  /** Jest waits for ever for a file whose process is blocked or stopped: its own timeouts run in that process. */
  #look() {
    for (const [file, since] of this.#running) {
      const ms = performance.now() - since;
      if (ms > SLOW_MS) print(`still running after ${minutes(ms)}: ${file}`);
      if (ms > HUNG_MS) {
        print(`\nThe run is ended: ${file} does not end.\n${endWorkers()}\n0 passed, 1 failed, 0 skipped`);
        process.exit(1);
      }
    }
  }

  /** @param {string} file */
  #name(file) {
    return path.relative(this.rootDir, file);
  }
}

/** @param {string} text */
function print(text) {
  process.stdout.write(`${text}\n`);
}

/** @param {number} ms */
function minutes(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
