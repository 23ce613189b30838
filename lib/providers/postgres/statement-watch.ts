/** A command that is not answered for so many seconds has lost its connection. */
export const LONGEST_SILENCE = 6;

/** How long the end waits for statements under way, in milliseconds. */
const GRACE = 500;

/** A statement under way. */
export interface WatchedStatement {
  /** How often it was looked at. Looks are counted instead of time, so that a stalled event loop counts once. */
  looks: number;
  giveUp: () => void;
}

/** Gives up statements that are not answered. */
export class StatementWatch {
  private readonly underWay = new Set<WatchedStatement>();
  private timer?: NodeJS.Timeout;
  private onIdle?: () => void;

  begin(giveUp: () => void = () => undefined): WatchedStatement {
    const statement = { looks: 0, giveUp };
    this.underWay.add(statement);
    this.timer ??= setInterval(this.look, 1000).unref();
    return statement;
  }

  end(statement: WatchedStatement): void {
    this.underWay.delete(statement);
    if (this.underWay.size === 0) this.onIdle?.();
  }

  /** Resolves once nothing is under way any more. A statement without an answer soon is given up: its connection could not be closed. */
  async close(): Promise<void> {
    clearInterval(this.timer);
    if (this.underWay.size === 0) return;
    const idle = new Promise<void>((resolve) => (this.onIdle = resolve));
    const late = setTimeout(() => {
      for (const statement of this.underWay) statement.giveUp();
    }, GRACE);
    await idle;
    clearTimeout(late);
  }

  private readonly look = (): void => {
    if (this.underWay.size === 0) {
      clearInterval(this.timer);
      this.timer = undefined;
      return;
    }
    for (const statement of this.underWay) {
      statement.looks += 1;
      if (statement.looks > LONGEST_SILENCE) statement.giveUp();
    }
  };
}
