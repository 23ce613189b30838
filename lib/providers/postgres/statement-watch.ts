/** A command that is not answered for so many seconds has lost its connection. */
export const LONGEST_SILENCE = 6;

/** After so many seconds without an answer it is asked whether the server answers at all. */
const SUSPICIOUS_SILENCE = 3;

/** How long the end waits for statements under way, in milliseconds. */
const GRACE = 500;

/** A statement under way. */
export interface WatchedStatement {
  /** How often it was looked at. Looks are counted instead of time, so that a stalled event loop counts once. */
  looks: number;
  giveUp: () => void;
  /** What to say of it when it is not answered for so many seconds. */
  trouble: (seconds: number) => string;
}

/** Gives up statements that are not answered. */
export class StatementWatch {
  private readonly underWay = new Set<WatchedStatement>();
  private timer?: NodeJS.Timeout;
  private onIdle?: () => void;

  /** @param onSuspicion - told of each statement that is not answered for a while, before it is given up */
  constructor(private readonly onSuspicion: (error: Error) => void) {}

  begin(trouble: WatchedStatement['trouble'], giveUp: () => void = () => undefined): WatchedStatement {
    const statement = { looks: 0, giveUp, trouble };
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

  private suspect({ trouble }: WatchedStatement): void {
    this.onSuspicion(new Error(trouble(SUSPICIOUS_SILENCE)));
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
      else if (statement.looks === SUSPICIOUS_SILENCE) this.suspect(statement);
    }
  };
}
