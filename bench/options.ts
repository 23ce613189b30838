import { parseArgs } from 'node:util';

export interface BenchOptions {
  readonly quick: boolean;
  readonly peers: boolean;
  /** Run the rows whose id or title contains one of these; all rows if it is empty. */
  readonly only: readonly string[];
  /** Adds a contender that does not lock. */
  readonly broken: boolean;
}

const USAGE = `npm run bench -- [options]

  --quick        shorter and with fewer rounds: under two minutes
  --only <text>  only the rows whose name contains this; may be repeated
  --no-peers     leave the other packages out
  --broken       add a lock that does not exclude, to see that the bench notices`;

export function readOptions(args: readonly string[]): BenchOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        'no-peers': { type: 'boolean', default: false },
        broken: { type: 'boolean', default: false },
      },
    });
    return { quick: values.quick, peers: !values['no-peers'], only: values.only, broken: values.broken };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}
