import { formatFigure } from '../report/format.js';
import type { FigureResult, Machine, Results, RowResult } from '../report/results.js';
import { markdownTable } from './markdown-table.js';
import { wrap } from './wrap.js';

const TURNS =
  'Each package works at its own defaults and in processes of its own, with the calls that its documentation recommends; one that gives up waiting is called again at once. They take turns, and the figures are medians over the rounds. The speed of such a machine changes from minute to minute: trust the ratios, which are taken within a round.';

const REDIS =
  '"Floor" is a bare `SET NX PX` and a compare-and-delete script, without any waiting; "serial" is the same jobs one after another without a lock.';

const POSTGRES =
  'The method is that of the Redis run above. Commits are on the disk (`fsync = on`). "Floor" is an `INSERT … ON CONFLICT` and a `DELETE` by hand. A `pg_advisory_lock` by hand keeps a connection for each holder and each waiter, writes no row, and has no lease, token or order; so does `execute` of Medusa, which runs here on stand-ins for its framework and for the manager of MikroORM. Both have pools of 20 connections, so most of their 500 waiters wait there. A round trip is a PING to the Redis of the jobs.';

/** The page about performance, from the results of a full run. */
export function renderPerformance(results: Results): string {
  return renderRun(results, `${TURNS} ${REDIS}`, 'npm run bench', meanings(results.rows));
}

/** The same of locks in PostgreSQL, without what the page says above of method and rows. */
export function renderPostgres(results: Results): string {
  return renderRun(results, POSTGRES, 'npm run bench -- --postgres');
}

/** The rows whose titles do not say what is measured. */
const EXPLAINED = ['hand-off', 'extend-all', 'own-renewal', 'in-memory', 'with-lock'];

/** What those rows are about. */
function meanings(rows: readonly RowResult[]): string {
  const explained = rows.filter(({ id }) => EXPLAINED.includes(id));
  return explained.map(({ title, meaning }) => wrap(`- _${title}_: ${meaning}`, '  ')).join('\n');
}

function renderRun(results: Results, method: string, command: string, ...notes: readonly string[]): string {
  const { machine, versions, rows, startedAt, seconds } = results;
  const others = variants(rows);
  return [
    wrap(`Measured on ${startedAt.slice(0, 10)} on ${describe(machine)}. ${method}`),
    markdownTable(
      ['work', 'measured', 'nestjs-locking', ...others, 'best of the others'],
      rows.flatMap((row) => tableRows(row, others)),
    ),
    ...notes,
    ...shortcomings(rows),
    wrap(
      `Versions: ${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}.`,
    ),
    wrap(
      `To repeat it, in a checkout: \`npm ci && ${command}\` (${String(Math.ceil(seconds / 60))} minutes); with \`--quick\` for a first look.`,
    ),
  ].join('\n\n');
}

/** The rows of the README: a row's id, a figure's, and the words for them. */
const HIGHLIGHTS = [
  ['hundred-at-a-time', 'rate / floor', 'distinct keys, 100 at a time, locks/s against the floor'],
  ['four-processes', 'rate / serial', '4 processes × 8 tasks, one key, jobs/s against serial'],
  ['four-processes', 'longestWait', 'the same, longest wait'],
  ['idle-waiters', 'commands', '500 waiters on a held key, Redis commands'],
] as const;

/** The table of the README. */
export function renderHighlights({ rows }: Results): string {
  const lines = HIGHLIGHTS.map(([row, id, text]) => {
    const figure = rows.find((one) => one.id === row)?.figures.find((one) => one.id === id);
    if (!figure) throw new Error(`The last full run has no figure ${id} of ${row}: npm run bench`);
    return [text, ours(figure), best(figure)];
  });
  return markdownTable(['work', 'nestjs-locking', 'best of the others'], lines);
}

/** The rows of the page about stores: a row's id and a figure's, and the words for them. */
const OF_STORES = [
  ['one-at-a-time', 'rate', 'locks, one at a time'],
  ['one-key', 'rate', 'jobs, one hot key, 50 tasks in one process'],
  ['four-processes', 'rate', 'jobs, one hot key, 4 processes × 8 tasks'],
  ['four-processes', 'longestWait', 'the same, longest wait'],
  ['hand-off', 'ms', 'hand-off to another process'],
] as const;

/** The same work on each store. */
export function renderStores(redis: Results, postgres: Results): string {
  const lines = OF_STORES.map(([row, id, text]) => [
    text,
    ...[redis, postgres].map(({ rows }) => ours(figureOf(rows, row, id))),
  ]);
  return markdownTable(['', 'Redis', 'PostgreSQL'], lines);
}

function figureOf(rows: readonly RowResult[], row: string, id: string): FigureResult {
  // A figure and its ratio to another one have the same id: the ratio comes first.
  const figure = rows.find((one) => one.id === row)?.figures.findLast((one) => one.id === id);
  if (!figure) throw new Error(`The last full run has no figure ${id} of ${row}: npm run bench`);
  return figure;
}

function tableRows({ title, figures }: RowResult, others: readonly string[]): string[][] {
  return figures
    .filter(({ detail }) => !detail)
    .map((figure, i) => [
      i === 0 ? title : '',
      figure.title,
      ours(figure),
      ...others.map((name) => named(figure, name) ?? '–'),
      best(figure),
    ]);
}

/** The names of this library at other commits or on other versions of Node, where they were measured. */
function variants(rows: readonly RowResult[]): string[] {
  const all = rows.flatMap(({ figures }) => figures.flatMap(({ contenders }) => contenders));
  return [...new Set(all.filter(({ kind }) => kind === 'variant').map(({ name }) => name))];
}

function named({ contenders, unit }: FigureResult, name: string): string | undefined {
  const figure = contenders.find((one) => one.name === name);
  return figure && formatFigure(figure.median, unit);
}

function ours({ contenders, unit }: FigureResult): string {
  const figure = contenders.find(({ kind }) => kind === 'ours');
  return figure ? formatFigure(figure.median, unit) : '–';
}

function best({ contenders, unit, bestPeer }: FigureResult): string {
  const figure = contenders.find(({ name }) => name === bestPeer);
  return figure ? `${formatFigure(figure.median, unit)} (${figure.name})` : '–';
}

function describe({ cpu, cores, memoryGiB, system, node, server }: Machine): string {
  return `${String(cores)} × ${cpu} with ${String(memoryGiB)} GiB, ${system}, Node ${node}, ${server} on loopback`;
}

function shortcomings(rows: readonly RowResult[]): string[] {
  const lost = rows.flatMap(({ title, lostUpdates }) =>
    Object.entries(lostUpdates).map(
      ([name, count]) => `${name} lost ${count.toLocaleString('en')} updates in _${title}_.`,
    ),
  );
  return lost.length === 0 ? [] : [wrap(lost.join(' '))];
}
