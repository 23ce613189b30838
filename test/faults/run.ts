import { writeFile } from 'node:fs/promises';
import { now } from './clock.js';
import { Crew } from './conductor/crew.js';
import { comeToRest } from './conductor/rest.js';
import { DENSE, Schedule, USUAL } from './conductor/schedule.js';
import { createStageFolder } from './conductor/stage-folder.js';
import { workerFaults } from './faults/worker-faults.js';
import { Appender } from './history/append.js';
import { files } from './history/files.js';
import { readHistory } from './history/read.js';
import type { FaultRecord, WriteRecord } from './history/records.js';
import type { RunOptions } from './options.js';
import { Random } from './random.js';
import { judge, type Judgement } from './rules/index.js';
import { createTopology } from './topologies/index.js';
import type { Topology } from './topologies/topology.js';
import { WriteStore } from './write-store/server.js';

/** In milliseconds, and short, so that it often expires. */
const LEASE = 1500;

export interface RunOutcome extends Judgement {
  readonly versions: readonly string[];
  /** The number of injected faults, by kind. */
  readonly faults: Readonly<Record<string, number>>;
  /** The folder of the history, if it was kept. */
  readonly kept?: string;
}

/** Judges the records of an earlier run. */
export async function judgeAgain(folder: string): Promise<RunOutcome> {
  const judgement = judge(await readHistory(folder, LEASE));
  return { ...judgement, versions: [], faults: {}, kept: folder };
}

/** Makes one run. All processes that it starts end with it. */
export async function run(options: RunOptions, signal: AbortSignal, say: (line: string) => void): Promise<RunOutcome> {
  const topology = createTopology(options.topology, options.broken);
  const folder = await createStageFolder();
  let outcome: RunOutcome | undefined;
  try {
    const faults = await contest(options, topology, folder, signal, say);
    const judgement = judge(await readHistory(folder.history, LEASE));
    const kept = judgement.breaches.length > 0 || options.keepHistory ? { kept: folder.history } : {};
    outcome = { ...judgement, versions: topology.versions, faults, ...kept };
    return outcome;
  } finally {
    if (outcome && !outcome.kept) await folder.remove();
    else if (!outcome) say(`The history so far: ${folder.history}`);
  }
}

async function contest(
  { seed, keys, workers, tasks, longJobs, seconds, verbose, only, dense, everyKind, brokenLeaders }: RunOptions,
  topology: Topology,
  folder: { history: string; workerScript: string },
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Record<string, number>> {
  const writeHistory = new Appender<WriteRecord>(files.writes(folder.history));
  const faultHistory = new Appender<FaultRecord>(files.faults(folder.history));
  const writes = await WriteStore.start(writeHistory);
  const names = Array.from({ length: keys }, (_, i) => `key:${i}`);
  const crew = new Crew({
    script: folder.workerScript,
    folder: folder.history,
    size: workers,
    setupOf: (index) => ({
      seed: String(seed),
      keys: names,
      tasks,
      longJobs,
      lease: LEASE,
      provider: topology.providerFor(index),
      keepsRecords: topology.keepsRecords ?? true,
      ...(brokenLeaders && { broken: 'trusts for ever' as const }),
      writePort: writes.port,
    }),
  });
  const began = now();
  let schedule: Schedule | undefined;
  const progress = setInterval(() => {
    const injected = [...(schedule?.counts.values() ?? [])].reduce((sum, count) => sum + count, 0);
    const minute = Math.round((now() - began) / 60_000);
    say(
      `minute ${minute}: ${injected} faults, ${writes.accepted} writes accepted, ${writes.refused} stale ones refused`,
    );
  }, 60_000);
  try {
    await topology.start(workers);
    await crew.start();
    const tell = verbose ? say : () => undefined;
    const stage = { crew, keys: names, lease: LEASE };
    const faults = [...workerFaults, ...topology.faults].filter(
      ({ kind }) => only.length === 0 || only.some((part) => kind.includes(part)),
    );
    if (faults.length === 0) throw new Error(`No fault of ${topology.name} is called ${only.join(' or ')}`);
    schedule = new Schedule(faults, stage, new Random(seed, 'faults'), faultHistory, tell, dense ? DENSE : USUAL);
    await schedule.play(now() + seconds * 1000, everyKind, signal);
    const rest = await comeToRest(crew, topology, LEASE);
    await writeFile(files.rest(folder.history), JSON.stringify(rest));
    return Object.fromEntries([...schedule.counts].sort());
  } finally {
    clearInterval(progress);
    await crew.end();
    await Promise.all([writes.stop(), topology.stop()]);
    writeHistory.close();
    faultHistory.close();
  }
}
