import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunOptions } from '../options.js';
import type { RunOutcome } from '../run.js';

/** Seen from the compiled harness in `dist-test/faults/report`. */
const FOLDER = fileURLToPath(new URL('../../../test/faults/results/', import.meta.url));

/** The result of a run that is kept. */
export interface Result {
  readonly topology: string;
  readonly seed: number;
  readonly minutes: number;
  readonly date: string;
  readonly workers: number;
  readonly keys: number;
  readonly versions: readonly string[];
  readonly faults: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, number>>;
  /** Milliseconds. */
  readonly recovery: Readonly<Record<string, number>>;
  readonly allowed: RunOutcome['allowed'];
  /** How often a recovery took longer than promised, but within the slack. */
  readonly slow: number;
  /** The number of breaches, by rule. */
  readonly breaches: Readonly<Record<string, number>>;
}

/** Keeps the result of a run, in place of the former one on the same topology. */
export async function keepResult(options: RunOptions, outcome: RunOutcome): Promise<void> {
  const { topology, seed, seconds, workers, keys } = options;
  const result: Result = {
    topology,
    seed,
    minutes: Math.round(seconds / 6) / 10,
    date: new Date().toISOString().slice(0, 10),
    workers,
    keys,
    versions: [...outcome.versions, `Node ${process.versions.node}`, `${os.type()} ${os.arch()}`],
    faults: outcome.faults,
    figures: rounded(outcome.figures),
    recovery: rounded(outcome.recovery),
    allowed: outcome.allowed,
    slow: outcome.slow.length,
    breaches: countBy(outcome.breaches.map(({ rule }) => rule)),
  };
  await mkdir(FOLDER, { recursive: true });
  await writeFile(join(FOLDER, `${topology}.json`), `${JSON.stringify(result, undefined, 2)}\n`);
}

/** The last result of each topology. */
export async function readResults(): Promise<Result[]> {
  const names = (await readdir(FOLDER).catch(() => [])).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(names.map(async (name) => JSON.parse(await readFile(join(FOLDER, name), 'utf8')) as Result));
}

export function countBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function rounded(figures: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(figures).map(([name, value]) => [name, Math.round(value)]));
}
