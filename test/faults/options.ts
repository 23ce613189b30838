import { parseArgs } from 'node:util';

export interface RunOptions {
  readonly topology: string;
  readonly seed: number;
  /** How long faults are injected. */
  readonly seconds: number;
  readonly keys: number;
  readonly workers: number;
  readonly tasks: number;
  /** How many calls in a hundred hold the lock for longer than the lease. */
  readonly longJobs: number;
  /** A provider that is broken on purpose, which the rules should find; if any. */
  readonly broken?: string;
  /** Whether leaders are broken on purpose, which the rules should find: they trust in their leadership for ever. */
  readonly brokenLeaders: boolean;
  /** Whether faults follow each other as closely as they can. */
  readonly dense: boolean;
  /** Whether faults go on beyond their time until each kind of them has happened. */
  readonly everyKind: boolean;
  /** Whether each fault is printed as it happens. */
  readonly verbose: boolean;
  /** Only faults whose kind contains one of these; all when empty. */
  readonly only: readonly string[];
  /** Whether the history is kept although it has no breach. */
  readonly keepHistory: boolean;
  /** The history of an earlier run, to judge again instead of a run. */
  readonly history?: string;
  /** Whether the result is kept for the report. */
  readonly keepResult: boolean;
}

const USAGE = `npm run test:faults -- [options]

  --topology <name>  what the store runs on: standalone (default), sentinel, cluster, quorum,
                     postgres, postgres-replicated, postgres-asynchronous
  --minutes <n>      for how long faults are injected (default 5); --seconds <n> for less
  --seed <n>         replays the faults and choices of a run (default: another one each time)
  --keys <n>         how many keys are contended for (default 3)
  --workers <n>      how many processes (default 4); --tasks <n> in each (default 3)
  --long-jobs <n>    how many calls in a hundred hold on for longer than the lease (default 0.5)
  --broken <name>    use a provider that is broken on purpose: see test/faults/worker/providers.ts
  --broken-leaders   have leaders trust in their leadership for ever
  --only <text>      only faults whose kind contains this; may be repeated
  --dense            faults as close to each other as can be, for short runs
  --every-kind       go on, if need be, until each kind of fault has happened
  --verbose          print each fault
  --keep-history     keep the history although there is no breach in it
  --history <folder> judge the history of an earlier run anew
  --no-result        do not keep the result for docs/safety.md`;

export function readOptions(args: readonly string[]): RunOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        topology: { type: 'string', default: 'standalone' },
        minutes: { type: 'string', default: '5' },
        seconds: { type: 'string' },
        seed: { type: 'string' },
        keys: { type: 'string', default: '3' },
        workers: { type: 'string', default: '4' },
        tasks: { type: 'string', default: '3' },
        'long-jobs': { type: 'string', default: '0.5' },
        broken: { type: 'string' },
        'broken-leaders': { type: 'boolean', default: false },
        only: { type: 'string', multiple: true, default: [] },
        'keep-history': { type: 'boolean', default: false },
        history: { type: 'string' },
        dense: { type: 'boolean', default: false },
        'every-kind': { type: 'boolean', default: false },
        verbose: { type: 'boolean', default: false },
        'no-result': { type: 'boolean', default: false },
      },
    });
    return {
      topology: values.topology,
      seed: values.seed === undefined ? Math.floor(Math.random() * 1e9) : positive('seed', values.seed),
      seconds:
        values.seconds === undefined ? positive('minutes', values.minutes) * 60 : positive('seconds', values.seconds),
      keys: positive('keys', values.keys),
      workers: positive('workers', values.workers),
      tasks: positive('tasks', values.tasks),
      brokenLeaders: values['broken-leaders'],
      dense: values.dense,
      everyKind: values['every-kind'],
      longJobs: positive('long-jobs', values['long-jobs']),
      verbose: values.verbose,
      only: values.only,
      keepHistory: values['keep-history'],
      ...(values.history !== undefined && { history: values.history }),
      keepResult:
        !values['no-result'] && values.broken === undefined && !values['broken-leaders'] && values.only.length === 0,
      ...(values.broken !== undefined && { broken: values.broken }),
    };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n\n${USAGE}`, { cause: error });
  }
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new Error(`--${name} ${text}: a number greater than 0 is needed`);
  return value;
}
