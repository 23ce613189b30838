import { format } from 'node:util';

// Output of the code under test goes to Jest's buffered console, which shows it only if the file fails. With
// `--verbose`, for a single file and with `--runInBand`, Jest has no such console, and the output is shown at once.
// With `--runInBand` the streams are also those of Jest itself, which would then write into the console of a file that
// has ended.
if (console.constructor.name === 'BufferedConsole' && process.argv[1]?.endsWith('processChild.js')) {
  for (const stream of [process.stdout, process.stderr]) {
    stream.write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
      console.log(format('%s', typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString()).trimEnd());
      const done = rest.at(-1);
      if (typeof done === 'function') process.nextTick(done);
      return true;
    };
  }
}
