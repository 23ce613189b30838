import { FILES, rowsOf } from '../files.js';
import type { Write } from '../warehouse.js';

/** What the rows and the journal show after a run. */
export interface Audit {
  readonly rows: number;
  readonly leftOut: readonly string[];
  /** With other values than in the file, or in no file. */
  readonly wrong: readonly string[];
  /** Accepted a second time: those that were written after the last checkpoint of an instance that died. */
  readonly writtenAgain: number;
  readonly refused: number;
  /** Files that several instances have written, with their names in order. */
  readonly takenOver: ReadonlyMap<string, readonly string[]>;
}

export function audit(rows: ReadonlyMap<string, number>, journal: readonly Write[]): Audit {
  const expected = new Map(FILES.flatMap((file) => rowsOf(file).map(({ id, cents }) => [id, cents] as const)));
  const accepted = journal.filter(({ refused }) => !refused);
  const writes = accepted.flatMap(({ ids }) => ids);
  const writers = new Map(
    FILES.map((file) => [
      file,
      [...new Set(accepted.filter((one) => one.file === file).map(({ instance }) => instance))],
    ]),
  );
  return {
    rows: rows.size,
    leftOut: [...expected.keys()].filter((id) => !rows.has(id)),
    wrong: [...rows].filter(([id, cents]) => expected.get(id) !== cents).map(([id]) => id),
    writtenAgain: writes.length - new Set(writes).size,
    refused: journal.length - accepted.length,
    takenOver: new Map([...writers].filter(([, instances]) => instances.length > 1)),
  };
}
