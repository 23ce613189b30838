import { readChoice, readWhole } from '../arguments.js';
import { moreLeft } from '../cli.messages.js';
import type { Command, CommandCall } from '../command.interface.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { FILTER_OPTIONS, lockFilter } from '../lock-filter.js';
import {
  LOCK_COLUMNS,
  lockCells,
  ORDERS,
  sorter,
  StoreClock,
  toLockRow,
  type LockRow,
  type Order,
} from '../lock-row.js';
import { count } from '../terminal/format.js';
import { tableLines } from '../terminal/table.js';

/** As many locks are shown where no limit is given. */
const SHOWN = 1000;

const names = Object.keys(ORDERS) as Order[];

export const list: Command = {
  name: 'list',
  usage: '[pattern]',
  summary: 'the locks that are held, or those whose key matches a pattern such as "order:*"',
  arguments: [0, 1],
  options: {
    ...FILTER_OPTIONS,
    sort: { type: 'string', value: 'BY', help: `${names.join(', ')} (the default is key)` },
    reverse: { type: 'boolean', help: 'the other way round' },
    limit: { type: 'string', value: 'N', help: `shows so many at most; 0 for all (the default is ${String(SHOWN)})` },
  },
  run: async (call) => (call.values.json === true ? printJson(call) : printTable(call)),
};

/** One object a line. Without an order each is printed when it is found, so that any number of locks fits. */
async function printJson(call: CommandCall): Promise<ExitCode> {
  const { terminal } = call;
  const { order, limit = 0 } = readOptions(call);
  if (order !== undefined) {
    for (const row of (await collect(call, limit)).rows) await terminal.json(row);
    return EXIT.done;
  }
  let left = limit === 0 ? Infinity : limit;
  for await (const row of rowsOf(call)) {
    await terminal.json(row);
    if (--left <= 0) break;
  }
  return EXIT.done;
}

async function printTable(call: CommandCall): Promise<ExitCode> {
  const { terminal } = call;
  const { limit = SHOWN } = readOptions(call);
  const { rows, found } = await collect(call, limit);
  if (rows.length > 0) {
    const [titles = '', ...lines] = tableLines(LOCK_COLUMNS, rows.map(lockCells), terminal.columns);
    await terminal.line(terminal.style('bold', titles));
    for (const line of lines) await terminal.line(line);
  }
  if (rows.length < found) terminal.note(moreLeft(rows.length, count(found, 'lock')));
  else if (terminal.isShown || found === 0)
    terminal.note(found === 0 ? 'No lock is held that matches.' : count(found, 'lock'));
  return EXIT.done;
}

function readOptions({ values }: CommandCall): { readonly order?: Order; readonly limit?: number } {
  const order = readChoice(values, 'sort', names);
  const limit = readWhole(values, 'limit');
  return { ...(order !== undefined && { order }), ...(limit !== undefined && { limit }) };
}

/** Keeps no more than a few times as many as are shown, however many are held. */
async function collect(call: CommandCall, limit: number): Promise<{ rows: LockRow[]; found: number }> {
  const { order = 'key' } = readOptions(call);
  const compare = sorter(order, call.values.reverse === true);
  const most = limit === 0 ? Infinity : limit;
  let rows: LockRow[] = [];
  let found = 0;
  for await (const row of rowsOf(call)) {
    rows.push(row);
    found += 1;
    if (rows.length > 4 * Math.max(most, 256)) rows = rows.sort(compare).slice(0, most);
  }
  return { rows: rows.sort(compare).slice(0, most), found };
}

async function* rowsOf({ values, positionals, open }: CommandCall): AsyncGenerator<LockRow> {
  const store = await open();
  const clock = await StoreClock.of(store);
  const matches = lockFilter(values);
  for await (const lease of store.list(positionals[0])) if (matches(lease)) yield toLockRow(lease, clock);
}
