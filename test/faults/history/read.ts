import { createReadStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Assembler } from './assemble.js';
import type { Call, History, Lag } from './call.js';
import { files } from './files.js';
import { KILLED } from './kinds.js';
import type { FaultRecord, RestRecord, WorkerRecord, WriteRecord } from './records.js';

type Mutable<T extends readonly unknown[]> = T[number][];

/** Reads the records of all processes of a run. */
export async function readHistory(folder: string, lease: number): Promise<History> {
  const faults: FaultRecord[] = [];
  for await (const fault of recordsOf<FaultRecord>(files.faults(folder))) faults.push(fault);
  const calls: Call[] = [];
  const lags: Lag[] = [];
  const records: Mutable<History['records']> = [];
  for (const name of await workersOf(folder)) {
    const killed = faults.find(({ kind, victims }) => kind === KILLED && victims?.includes(name))?.from;
    const assembler = new Assembler(name, killed);
    for await (const record of recordsOf<WorkerRecord>(files.worker(folder, name))) assembler.add(record);
    const account = assembler.finish();
    for (const call of account.calls) calls.push(call);
    lags.push(...account.lags);
    for (const record of account.records) records.push(record);
    faults.push(...account.blocks);
  }
  const writes: WriteRecord[] = [];
  for await (const write of recordsOf<WriteRecord>(files.writes(folder))) writes.push(write);
  const rest = JSON.parse(await readFile(files.rest(folder), 'utf8')) as RestRecord;
  calls.sort((a, b) => a.join - b.join);
  faults.sort((a, b) => a.from - b.from);
  records.sort((a, b) => a.t - b.t);
  return { lease, calls, writes, records, faults, lags, rest };
}

async function workersOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).map((file) => /^worker-(.*)\.jsonl$/.exec(file)?.[1]);
  return names.filter((name) => name !== undefined).sort();
}

async function* recordsOf<Entry>(file: string): AsyncGenerator<Entry> {
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    // The last record of a process that was killed may be incomplete.
    if (line.endsWith('}')) yield JSON.parse(line) as Entry;
  }
}
