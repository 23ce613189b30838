import { readWhole } from '../arguments.js';
import { moreLeft } from '../cli.messages.js';
import type { Command, CommandCall } from '../command.interface.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { LockQuery, queryOptions } from '../lock-query.js';
import { LOCK_COLUMNS, lockCells, type LockRow } from '../lock-row.js';
import { count } from '../terminal/format.js';
import { tableLines } from '../terminal/table.js';

/** As many locks are shown where no limit is given. */
const SHOWN = 1000;

const ORDER = 'key';

export const list: Command = {
  name: 'list',
  usage: '[pattern]',
  summary: 'the locks that are held, or those whose key matches a pattern such as "order:*"',
  arguments: [0, 1],
  options: {
    ...queryOptions(ORDER),
    limit: { type: 'string', value: 'N', help: `shows so many at most; 0 for all (the default is ${String(SHOWN)})` },
  },
  run: async (call) => {
    const query = new LockQuery(call, ORDER);
    const limit = readWhole(call.values, 'limit');
    return call.values.json === true ? printJson(call, query, limit ?? 0) : printTable(call, query, limit ?? SHOWN);
  },
};

/** One object per line. Without an order each is printed when it is found, so that any number of locks fits. */
async function printJson(call: CommandCall, query: LockQuery, limit: number): Promise<ExitCode> {
  const { terminal } = call;
  if (query.isSorted) {
    for (const row of (await collect(call, query, limit)).rows) await terminal.json(row);
    return EXIT.done;
  }
  let left = limit === 0 ? Infinity : limit;
  for await (const row of query.rows(await call.open())) {
    await terminal.json(row);
    if (--left <= 0) break;
  }
  return EXIT.done;
}

async function printTable(call: CommandCall, query: LockQuery, limit: number): Promise<ExitCode> {
  const { terminal } = call;
  const { rows, found } = await collect(call, query, limit);
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

/** Keeps no more than a few times as many as are shown, however many are held. */
async function collect(
  { open }: CommandCall,
  query: LockQuery,
  limit: number,
): Promise<{ rows: LockRow[]; found: number }> {
  const { compare } = query;
  const most = limit === 0 ? Infinity : limit;
  let rows: LockRow[] = [];
  let found = 0;
  for await (const row of query.rows(await open())) {
    rows.push(row);
    found += 1;
    if (rows.length > 4 * Math.max(most, 256)) rows = rows.sort(compare).slice(0, most);
  }
  return { rows: rows.sort(compare).slice(0, most), found };
}
