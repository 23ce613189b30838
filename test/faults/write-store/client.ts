import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { WriteAnswer, WriteRequest } from './protocol.js';

/** A worker's client of the guarded resource. */
export class WriteClient {
  private readonly socket: Socket;
  private readonly waiting = new Map<number, (answer: WriteAnswer) => void>();
  private sent = 0;

  constructor(
    port: number,
    private readonly by: string,
  ) {
    this.socket = connect(port, '127.0.0.1').setNoDelay(true);
    this.socket.on('error', () => process.exit(3));
    const lines = createInterface({ input: this.socket });
    lines
      .on('error', () => undefined)
      .on('line', (line) => {
        const answer = JSON.parse(line) as WriteAnswer;
        this.waiting.get(answer.n)?.(answer);
        this.waiting.delete(answer.n);
      });
  }

  async perform(request: Omit<WriteRequest, 'n' | 'by'>): Promise<WriteAnswer> {
    const n = (this.sent += 1);
    return new Promise((resolve) => {
      this.waiting.set(n, resolve);
      this.socket.write(`${JSON.stringify({ ...request, n, by: this.by } satisfies WriteRequest)}\n`);
    });
  }

  close(): void {
    this.socket.end();
  }
}
