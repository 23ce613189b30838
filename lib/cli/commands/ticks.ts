import type { Command } from '../command.interface.js';
import { EXIT } from '../exit-code.js';
import { readTickKey } from '../key-names.js';
import { StoreClock, toLockRow } from '../lock-row.js';
import type { OpenStore } from '../store/open-store.js';
import { formatDuration } from '../../operations/examination/format-duration.js';
import { printable } from '../terminal/printable.js';
import { tableLines, type Column } from '../terminal/table.js';

/** A job as JSON has it. The marks of its ticks are kept for minutes, so it shows the last ones only. */
interface Job {
  readonly kind: 'cron' | 'interval';
  readonly job: string;
  /** When the newest tick that the store knows of was due. */
  due: string | null;
  /** Whether a tick runs now. Of jobs with `allowOverlap` the store does not tell. */
  running: boolean;
  /** Milliseconds since the run was begun. */
  runsFor: number | null;
  /** How many ticks the store knows of: run, or running. */
  ticks: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'JOB', flexible: true },
  { title: 'KIND' },
  { title: 'LAST DUE' },
  { title: 'STATE', flexible: true },
  { title: 'TICKS KNOWN', align: 'right' },
];

export const ticks: Command = {
  name: 'ticks',
  usage: '',
  summary: 'scheduled jobs (@LockedCron, @LockedInterval): the last tick of each, and whether it runs',
  arguments: [0, 0],
  options: {},
  run: async ({ values, terminal, open }) => {
    const jobs = await findJobs(await open());
    if (values.json === true) {
      for (const job of jobs) await terminal.json(job);
      return EXIT.done;
    }
    if (jobs.length === 0) {
      terminal.note('The store knows of no tick of a scheduled job. It forgets each some time after its run.');
      return EXIT.done;
    }
    const [titles = '', ...lines] = tableLines(COLUMNS, jobs.map(cells), terminal.columns);
    await terminal.line(terminal.style('bold', titles));
    for (const line of lines) await terminal.line(line);
    return EXIT.done;
  },
};

async function findJobs(store: OpenStore): Promise<Job[]> {
  const clock = await StoreClock.of(store);
  const jobs = new Map<string, Job>();
  for (const pattern of ['cron:*', 'interval:*']) {
    for await (const lease of store.list(pattern)) {
      const key = readTickKey(lease.key);
      if (!key) continue;
      const { kind, name, due } = key;
      const id = `${kind}:${name}`;
      const job = jobs.get(id) ?? { kind, job: name, due: null, running: false, runsFor: null, ticks: 0 };
      jobs.set(id, job);
      if (due === undefined) Object.assign(job, { running: true, runsFor: toLockRow(lease, clock).heldFor });
      else {
        job.ticks += 1;
        if (job.due === null || due > job.due) job.due = due;
      }
    }
  }
  return [...jobs.values()].sort((one, other) => (one.job < other.job ? -1 : 1));
}

function cells({ kind, job, due, running, runsFor, ticks: known }: Job): string[] {
  const since = runsFor === null ? '' : ` for ${formatDuration(runsFor)}`;
  return [printable(job), kind, due ?? '-', running ? `runs${since}` : 'has run', String(known)];
}
