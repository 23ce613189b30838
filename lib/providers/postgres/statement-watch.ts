/** A command that is not answered for so many seconds has lost its connection. */
export const LONGEST_SILENCE = 6;

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

  begin(giveUp: () => void = () => undefined): WatchedStatement {
    const statement = { looks: 0, giveUp };
    this.underWay.add(statement);
    this.timer ??= setInterval(this.look, 1000).unref();
    return statement;
  }

  end(statement: WatchedStatement): void {
    this.underWay.delete(statement);
  }

  close(): void {
    clearInterval(this.timer);
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
