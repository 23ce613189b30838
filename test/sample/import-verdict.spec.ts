import { describe, expect, it } from '@jest/globals';
import { audit } from '../../sample/import/demo/audit.js';
import { judge } from '../../sample/import/demo/verdict.js';
import { FILES, rowsOf } from '../../sample/import/files.js';
import { BATCH } from '../../sample/import/import.service.js';
import type { Write } from '../../sample/import/warehouse.js';

const goodRows = (): Map<string, number> =>
  new Map(FILES.flatMap((file) => rowsOf(file).map(({ id, cents }) => [id, cents] as const)));

/** The journal of a good run: the first instance dies before a checkpoint, the second one writes too late. */
function goodJournal(): Write[] {
  return FILES.flatMap((file, index) => {
    const ids = rowsOf(file).map(({ id }) => id);
    const write = (instance: string, from: number, to: number, refused = false): Write => ({
      file,
      instance,
      ids: ids.slice(from, to),
      refused,
    });
    if (index === 0) return [write('first', 0, 2 * BATCH), write('third', BATCH, ids.length)];
    if (index === 1)
      return [write('second', 0, BATCH), write('third', BATCH, ids.length), write('second', BATCH, 2 * BATCH, true)];
    return [write('third', 0, ids.length)];
  });
}

describe('the verdict on an import', () => {
  it('a run in which every row was imported, and each file went on, passes', () => {
    expect(judge(audit(goodRows(), goodJournal())).text).toMatch(/^PASS/);
  });

  it.each<[string, RegExp, (rows: Map<string, number>, journal: Write[]) => void]>([
    ['a row is missing', /1 rows are missing \(may\.csv:7\)/, (rows) => rows.delete('may.csv:7')],
    ['a row has another value', /1 rows are wrong/, (rows) => rows.set('may.csv:7', 1)],
    ['a row is in no file', /1 rows are wrong/, (rows) => rows.set('july.csv:1', 100)],
    [
      'a file was begun anew instead of at its checkpoint',
      /50 rows were written again, not 25/,
      (_, journal) => journal.push({ ...journal[0]!, ids: journal[0]!.ids.slice(0, BATCH), instance: 'third' }),
    ],
    [
      'the late write was accepted',
      /0 writes of the paused instance were refused/,
      (_, journal) => journal.splice(4, 1, { ...journal[4]!, refused: false }),
    ],
    [
      'no instance took the file of the killed one over',
      /1 files were taken over, not 2/,
      (_, journal) => journal.splice(1, 1, { ...journal[1]!, instance: 'first' }),
    ],
  ])('a run in which %s fails', (_, fault, spoil) => {
    const [rows, journal] = [goodRows(), goodJournal()];
    spoil(rows, journal);
    expect(judge(audit(rows, journal)).text).toMatch(/^FAIL/);
    expect(judge(audit(rows, journal)).text).toMatch(fault);
  });
});
