import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { now } from '../clock.js';
import type { Appender } from '../history/append.js';
import type { WriteRecord } from '../history/records.js';
import type { WriteAnswer, WriteRequest } from './protocol.js';
import { Resource } from './resource.js';

/** Offers the guarded resource to the workers. It has no faults. */
export class WriteStore {
  /** The number of accepted and refused writes. */
  accepted = 0;
  refused = 0;

  private readonly resource = new Resource();
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly listener: Server,
    private readonly history: Appender<WriteRecord>,
  ) {
    listener.on('connection', (socket) => {
      this.serve(socket);
    });
  }

  static async start(history: Appender<WriteRecord>): Promise<WriteStore> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new WriteStore(listener, history);
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined).on('close', () => this.sockets.delete(socket));
    const lines = createInterface({ input: socket });
    // Repeats the error of a connection whose worker was killed.
    lines
      .on('error', () => undefined)
      .on('line', (line) => {
        socket.write(`${JSON.stringify(this.perform(JSON.parse(line) as WriteRequest))}\n`);
      });
  }

  private perform(request: WriteRequest): WriteAnswer {
    const { by, id, key, token, op } = request;
    const { accepted, value, fenced, plain } = this.resource.perform(request);
    if (op === 'write') this[accepted ? 'accepted' : 'refused'] += 1;
    this.history.add({ t: now(), by, id, key, token, op, accepted, fenced, plain });
    return { n: request.n, accepted, value };
  }
}
