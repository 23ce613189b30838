import { closeSync, openSync, writeSync } from 'node:fs';

/** A file of records. Each record is written before the next step is taken. */
export class Appender<Entry> {
  private readonly file: number;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  add(entry: Entry): void {
    writeSync(this.file, `${JSON.stringify(entry)}\n`);
  }

  close(): void {
    closeSync(this.file);
  }
}
