import { Injectable, Logger } from '@nestjs/common';
import { LockingService, LockTimeoutError } from 'nestjs-locking';
import { setTimeout as delay } from 'node:timers/promises';
import { FILES, rowsOf } from './files.js';
import { Pace } from './pace.js';
import { Warehouse } from './warehouse.js';

/** Rows between two checkpoints. */
export const BATCH = 25;

/** Imports files, as many at a time as there are instances; each file is imported by one of them. */
@Injectable()
export class ImportService {
  private readonly logger = new Logger(ImportService.name);

  constructor(
    private readonly locking: LockingService,
    private readonly warehouse: Warehouse,
    private readonly pace: Pace,
  ) {}

  /** Resolves once all files are imported, by whichever instance. */
  async run(): Promise<void> {
    for (let open = await this.openFiles(); open.length > 0; open = await this.openFiles()) {
      for (const file of open) await this.tryFile(file);
      await delay(100);
    }
  }

  /** Imports `file` if no other instance does. */
  private async tryFile(file: string): Promise<void> {
    try {
      await this.importFile(file);
    } catch (error) {
      // Another instance imports it, or has taken it over: it is looked at again.
      if (!(error instanceof LockTimeoutError)) this.logger.warn(`${file}: ${String(error)}`);
    }
  }

  private async importFile(file: string): Promise<void> {
    await this.locking.execute(
      `import:${file}`,
      async (lock) => {
        if (await this.warehouse.isDone(file)) return;
        const checkpoints = lock.checkpoints<{ next: number }>();
        const latest = await checkpoints.loadLatest();
        const rows = rowsOf(file);
        for (let next = latest?.data.next ?? 0; next < rows.length; next += BATCH) {
          lock.signal.throwIfAborted();
          await this.pace.beforeWrite();
          await this.warehouse.write(file, lock.fencingToken, rows.slice(next, next + BATCH));
          await this.pace.beforeSave();
          await checkpoints.save({ next: next + BATCH }, { progress: `${next + BATCH} of ${rows.length} rows` });
        }
        await this.warehouse.finish(file);
        await checkpoints.deleteAll();
      },
      // The file of an instance that dies is free for the others after so long.
      { timeout: 0, expire: '2s' },
    );
  }

  private async openFiles(): Promise<string[]> {
    const done = await Promise.all(FILES.map(async (file) => this.warehouse.isDone(file)));
    return FILES.filter((_, i) => done[i] !== true);
  }
}
