import { format } from 'node:util';

// What the code under test writes goes where Jest collects what is logged, and is shown only where the file fails. Jest
// does not collect it with `--verbose` and for a single file: there it is shown as it comes. So it is with `--runInBand`,
// where the streams are also those of Jest itself, which would go on to write into the console of a file that has ended.
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
