import { readLength, readWhole } from '../arguments.js';
import type { Command, CommandCall } from '../command.interface.js';
import { CommandError, EXIT, type ExitCode } from '../exit-code.js';
import { LockQuery, queryOptions } from '../lock-query.js';
import { LOCK_COLUMNS, lockCells, type LockRow } from '../lock-row.js';
import type { OpenStore } from '../store/open-store.js';
import { count } from '../terminal/format.js';
import { printable } from '../terminal/printable.js';
import { Screen } from '../terminal/screen.js';
import { tableLines } from '../terminal/table.js';
import { fit } from '../terminal/width.js';
import { changesBetween, describeChange } from '../lock-changes.js';

const ORDER = 'waiting';

/** In milliseconds. Each look goes through all locks of the namespace. */
const INTERVAL = 1000;
const SHORTEST_INTERVAL = 200;

export const watch: Command = {
  name: 'watch',
  usage: '[pattern]',
  summary: 'the locks as they come and go; without a terminal, a line for each change',
  arguments: [0, 1],
  options: {
    ...queryOptions(ORDER),
    interval: { type: 'string', value: 'TIME', help: 'how often it looks (the default is 1s)' },
    times: { type: 'string', value: 'N', help: 'ends after so many looks' },
  },
  run: async (call) => {
    const { terminal, values } = call;
    const interval = readLength(values, 'interval', SHORTEST_INTERVAL) ?? INTERVAL;
    const times = readWhole(values, 'times') ?? Infinity;
    const looks = { interval, times, query: new LockQuery(call, ORDER) };
    return terminal.isShown && values.json !== true ? showScreen(call, looks) : tellChanges(call, looks);
  },
};

interface Looks {
  readonly interval: number;
  readonly times: number;
  readonly query: LockQuery;
}

/** What one look has found: the locks, or why it failed. The store may be away for a while. */
type Look = { readonly rows: readonly LockRow[] } | { readonly failure: string };

/** The connection comes back by itself, so a look that fails is followed by others. */
async function look(store: OpenStore, query: LockQuery): Promise<Look> {
  const rows: LockRow[] = [];
  try {
    for await (const row of query.rows(store)) rows.push(row);
    return { rows };
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return { failure: error.message };
  }
}

/** One line, or one object, for each change since the look before. The first look tells what is held. */
async function tellChanges(call: CommandCall, { interval, times, query }: Looks): Promise<ExitCode> {
  const { terminal, values, open } = call;
  const store = await open();
  let before: ReadonlyMap<string, LockRow> | undefined;
  let failed = false;
  for (let done = 1; ; done += 1) {
    const found = await look(store, query);
    if ('failure' in found) {
      if (!failed) terminal.note(found.failure);
      failed = true;
    } else {
      if (failed) terminal.note('The store answers again.');
      failed = false;
      const now = new Map(found.rows.map((row) => [row.key, row]));
      for (const change of changesBetween(before, now)) {
        const at = new Date().toISOString();
        if (values.json === true) await terminal.json({ at, ...change });
        else await terminal.line(`${at}  ${describeChange(change)}`);
      }
      before = now;
    }
    if (done >= times) return failed ? EXIT.unreachable : EXIT.done;
    await new Promise((resolve) => setTimeout(resolve, interval));
  }
}

/** As `top`: until q or Ctrl-C. */
async function showScreen(call: CommandCall, { interval, times, query }: Looks): Promise<ExitCode> {
  const { terminal } = call;
  let warning = '';
  const store = await call.open((message) => (warning = message));
  const screen = new Screen(terminal);
  let last: readonly LockRow[] = [];
  try {
    for (let done = 1; ; done += 1) {
      const found = await look(store, query);
      if ('rows' in found) {
        last = [...found.rows].sort(query.compare);
        warning = '';
      }
      const problem = 'failure' in found ? found.failure : warning;
      screen.draw(() => screenLines(call, store, last, problem));
      if (done >= times || (await screen.pause(interval)) === 'quit') return EXIT.done;
    }
  } finally {
    screen.close();
  }
}

function screenLines({ terminal }: CommandCall, store: OpenStore, rows: readonly LockRow[], problem: string): string[] {
  const { columns, rows: height } = terminal;
  const waiting = rows.reduce((sum, row) => sum + (row.waiting ?? 0), 0);
  const time = new Date().toLocaleTimeString('en-GB');
  const head = `${count(rows.length, 'lock')}, ${String(waiting)} waiting, ${printable(store.description)}, ${time}. q ends.`;
  const room = Math.max(0, height - (problem === '' ? 3 : 4));
  const [titles = '', ...lines] = tableLines(LOCK_COLUMNS, rows.slice(0, room).map(lockCells), columns);
  const more = rows.length > room ? [terminal.style('dim', `… and ${count(rows.length - room, 'more', 'more')}`)] : [];
  return [
    fit(head, columns),
    ...(problem === '' ? [] : [terminal.style('red', fit(printable(problem), columns))]),
    terminal.style('bold', titles),
    ...lines,
    ...more,
  ];
}
