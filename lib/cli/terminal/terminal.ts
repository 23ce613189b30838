import { once } from 'node:events';
import { printableMessage, toJson } from './printable.js';

const STYLES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39] } as const;

export type Style = keyof typeof STYLES;

/** The part of `process` that commands use. */
export interface ProcessStreams {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
}

/** What a command reads from and writes to, be it a terminal, a pipe or a file. */
export class Terminal {
  private readonly isColoured: boolean;

  constructor(
    readonly streams: ProcessStreams,
    env: Readonly<Record<string, string | undefined>>,
    noColour: boolean,
  ) {
    const isRefused = noColour || (env.NO_COLOR ?? '') !== '' || env.TERM === 'dumb';
    const isForced = (env.FORCE_COLOR ?? '0') !== '0';
    this.isColoured = !isRefused && (streams.stdout.isTTY || isForced);
    // The reader has gone, as in `list | head`: nothing is left to do, and nothing has failed.
    streams.stdout.on('error', (error: NodeJS.ErrnoException) => {
      process.exit(error.code === 'EPIPE' ? 0 : 1);
    });
  }

  /** Whether what is written is shown on a terminal. */
  get isShown(): boolean {
    return this.streams.stdout.isTTY;
  }

  /** Whether a question can be asked and answered. */
  get canAsk(): boolean {
    return this.streams.stdin.isTTY && this.streams.stderr.isTTY;
  }

  /** The width in cells; `Infinity` where there is no terminal. */
  get columns(): number {
    return this.isShown ? this.streams.stdout.columns || 80 : Infinity;
  }

  get rows(): number {
    return this.isShown ? this.streams.stdout.rows || 24 : Infinity;
  }

  /** Waits while the reader is slower. */
  async line(text = ''): Promise<void> {
    const { stdout } = this.streams;
    if (!stdout.write(`${text}\n`)) await once(stdout, 'drain');
  }

  async json(value: unknown): Promise<void> {
    await this.line(toJson(value));
  }

  /** For people, beside the output. */
  note(text: string): void {
    this.streams.stderr.write(`${printableMessage(text)}\n`);
  }

  style(style: Style, text: string): string {
    if (!this.isColoured) return text;
    const [on, off] = STYLES[style];
    return `\u001b[${String(on)}m${text}\u001b[${String(off)}m`;
  }

  async flush(): Promise<void> {
    const { stdout, stderr } = this.streams;
    await Promise.all(
      [stdout, stderr].map(
        async (stream) =>
          new Promise<void>((done) =>
            stream.write('', () => {
              done();
            }),
          ),
      ),
    );
  }
}
