import { parseArgs } from 'node:util';
import type { StoreName } from './contenders/open.js';

export interface BenchOptions {
  readonly store: StoreName;
  readonly quick: boolean;
  readonly peers: boolean;
  /** Run the rows whose id or title contains one of these; all rows if it is empty. */
  readonly only: readonly string[];
  /** Adds a contender that does not lock. */
  readonly broken: boolean;
  /** A checkout of another commit, which is measured as well. */
  readonly before: string | undefined;
  /** A version of Node on which this commit is measured as well. */
  readonly node: string | undefined;
}

const USAGE = `npm run bench -- [options]

  --postgres     locks in PostgreSQL, in place of Redis
  --quick        shorter and with fewer rounds: under two minutes
  --only <text>  only the rows whose name contains this; may be repeated
  --no-peers     leave the other packages out
  --before <folder>
                 measure another commit as well: a checkout of it, in which the bench was built by npm run bench
  --node <version>
                 measure this commit on another Node as well, such as 24.21.0, which is fetched
  --broken       add a lock that does not exclude, to see that the bench notices`;

export function readOptions(args: readonly string[]): BenchOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        postgres: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        'no-peers': { type: 'boolean', default: false },
        broken: { type: 'boolean', default: false },
        before: { type: 'string' },
        node: { type: 'string' },
      },
    });
    const { postgres, 'no-peers': alone, ...others } = values;
    return {
      ...others,
      store: postgres ? 'postgres' : 'redis',
      peers: !alone,
      before: others.before,
      node: others.node,
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}
