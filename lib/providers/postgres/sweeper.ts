import type { RunCommand } from './store-connection.js';

/** Keys that have not been held for half a minute are deleted: this often is looked for them, in milliseconds. */
const SWEEP_INTERVAL = 35_000;

/** Deletes the rows of idle keys, for as long as this process makes some. */
export class Sweeper {
  private timer?: NodeJS.Timeout;
  private isClosed = false;
  /** A key was acquired since the last sweep. */
  private isUsed = false;

  constructor(private readonly run: RunCommand) {}

  /** A key was acquired: a row of it may be left behind. */
  note(): void {
    this.isUsed = true;
    this.timer ??= this.schedule();
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
  }

  private schedule(): NodeJS.Timeout | undefined {
    if (this.isClosed) return undefined;
    return setTimeout(() => {
      const { isUsed } = this;
      this.isUsed = false;
      this.sweep().then(
        (hasMore) => {
          this.timer = isUsed || hasMore || this.isUsed ? this.schedule() : undefined;
        },
        () => {
          this.timer = this.schedule();
        },
      );
    }, SWEEP_INTERVAL).unref();
  }

  /** Resolves with whether rows may be left. */
  private async sweep(): Promise<boolean> {
    for (;;) {
      const [deleted, hasMore] = await this.run('sweep', {});
      if (hasMore !== 1) return false;
      if (deleted === 0) return true;
    }
  }
}
