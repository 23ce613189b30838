import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { findPostgres } from '../tools/postgres-server/index.mjs';
import { findRedisServer } from '../tools/redis-server/index.mjs';
import { chooseParticipants } from './choose-participants.js';
import type { StoreName } from './contenders/open.js';
import type { Participant } from './contenders/participants.js';
import { watchForInterruption } from './interruption.js';
import { describeMachine, listVersions } from './machine.js';
import type { BenchOptions } from './options.js';
import { planFor } from './plan.js';
import { evaluate } from './report/evaluate.js';
import type { Results, RowResult } from './report/results.js';
import { RESULTS_FILES, RESULTS_FOLDER } from './report/results-folder.js';
import { reportRow } from './report/row-report.js';
import { summarizeRows } from './report/summary.js';
import { ROWS } from './rows/index.js';
import type { Row, Stage } from './rows/row.js';
import { runRow } from './run-row.js';
import { setStage } from './stage.js';

/**
 * Measures this library, a floor (the least that the same work can cost on this machine) and the packages that an
 * application could use instead. The speed of machines drifts: trust the ratios.
 */
export async function runBench(options: BenchOptions): Promise<void> {
  const rows = chooseRows(ROWS[options.store], options.only);
  const interrupted = watchForInterruption();
  const participants = await chooseParticipants(options, interrupted);
  const started = new Date();
  const findServer = options.store === 'postgres' ? findPostgres : findRedisServer;
  const head = {
    mode: options.quick ? ('quick' as const) : ('full' as const),
    startedAt: started.toISOString(),
    machine: describeMachine(options.store, (await findServer()).version),
    versions: listVersions(participants),
  };
  console.log(describe(head.machine, head.versions));

  const { stage, clear } = await setStage(options.store, planFor(options.quick), interrupted);
  try {
    const results = await measureAll(rows, stage, participants);
    const seconds = Math.round((Date.now() - started.getTime()) / 1000);
    console.log(`${summarizeRows(results)}\n`);
    console.log(`Took ${String(seconds)} s. Ratios are medians of pairs measured in the same round.`);
    // Only a full run without the broken lock is saved.
    if (options.only.length === 0 && !options.broken) await save(options.store, { ...head, seconds, rows: results });
    if (results.some(isWrong)) process.exitCode = 1;
  } finally {
    await clear();
  }
}

function chooseRows(all: readonly Row[], only: readonly string[]): readonly Row[] {
  const wanted = all.filter(
    ({ id, title }) =>
      only.length === 0 || only.some((text) => `${id} ${title}`.toLowerCase().includes(text.toLowerCase())),
  );
  if (wanted.length === 0)
    throw new Error(`No row is called like that. There are: ${all.map(({ id }) => id).join(', ')}`);
  return wanted;
}

async function measureAll(
  rows: readonly Row[],
  stage: Stage,
  participants: readonly Participant[],
): Promise<RowResult[]> {
  const results: RowResult[] = [];
  for (const row of rows) {
    const result = evaluate(await runRow(row, stage, participants));
    console.log(`${reportRow(result)}\n`);
    results.push(result);
  }
  return results;
}

function describe(
  { cpu, cores, memoryGiB, system, node, server }: Results['machine'],
  versions: Results['versions'],
): string {
  const packages = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `${String(cores)} × ${cpu}, ${String(memoryGiB)} GiB, ${system}\nNode ${node}, ${server} on loopback, ${packages.join(', ')}\n`;
}

async function save(store: StoreName, results: Results): Promise<void> {
  const file = path.join(RESULTS_FOLDER, results.mode === 'quick' ? 'quick.json' : RESULTS_FILES[store]);
  await mkdir(RESULTS_FOLDER, { recursive: true });
  await writeFile(file, `${JSON.stringify(results, undefined, 2)}\n`);
  console.log(`Written to ${path.relative(process.cwd(), file)}.`);
}

/** This library lost updates or failed. Failures of other packages are only reported. */
function isWrong({ lostUpdates, failures }: RowResult): boolean {
  return 'nestjs-locking' in lostUpdates || failures.some((failure) => failure.startsWith('nestjs-locking:'));
}
