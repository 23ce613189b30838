import type { Terminal } from './terminal.js';

const ESCAPE = '\u001b[';
/** The alternate screen, without a cursor and without wrapping of long lines; and back. */
const ENTER = `${ESCAPE}?1049h${ESCAPE}?25l${ESCAPE}?7l`;
const LEAVE = `${ESCAPE}?7h${ESCAPE}?25h${ESCAPE}?1049l`;
/** q, Ctrl-C and Ctrl-D. */
const ENDING = ['q', 'Q', '\u0003', '\u0004'];

/** A screen that is drawn again and again, and leaves the terminal as it was. */
export class Screen {
  private lines: () => readonly string[] = () => [];
  private onKey?: () => void;
  private hasEnded = false;

  constructor(private readonly terminal: Terminal) {
    const { stdin, stdout } = terminal.streams;
    stdout.write(ENTER);
    // At any end of the process: a terminal without a cursor helps no one.
    process.once('exit', this.restore);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, this.quit);
    stdout.on('resize', this.redraw);
    if (!stdin.isTTY) return;
    stdin.setRawMode(true);
    stdin.on('data', this.noteKey).resume();
  }

  /** @param lines - asked again when the size of the terminal changes */
  draw(lines: () => readonly string[]): void {
    this.lines = lines;
    this.redraw();
  }

  async pause(milliseconds: number): Promise<'quit' | 'go-on'> {
    if (!this.hasEnded) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.onKey = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return this.hasEnded ? 'quit' : 'go-on';
  }

  close(): void {
    const { stdin, stdout } = this.terminal.streams;
    stdout.off('resize', this.redraw);
    process.off('exit', this.restore);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, this.quit);
    if (stdin.isTTY) stdin.off('data', this.noteKey).pause();
    this.restore();
  }

  private readonly redraw = (): void => {
    const { stdout } = this.terminal.streams;
    // Each line is written over the one before, and its rest cleared: clearing all first would flicker.
    const drawn = this.lines().slice(0, this.terminal.rows);
    const text = drawn.map((line) => `${line}${ESCAPE}K`).join('\r\n');
    stdout.write(`${ESCAPE}H${text}${ESCAPE}J`);
  };

  private readonly noteKey = (data: Buffer | string): void => {
    const keys = data.toString();
    if (ENDING.some((key) => keys.includes(key))) this.quit();
  };

  private readonly quit = (): void => {
    this.hasEnded = true;
    this.onKey?.();
  };

  private readonly restore = (): void => {
    const { stdin, stdout } = this.terminal.streams;
    if (stdin.isTTY) stdin.setRawMode(false);
    stdout.write(LEAVE);
  };
}
