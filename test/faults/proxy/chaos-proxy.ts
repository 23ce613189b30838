import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Link } from './link.js';

/** A TCP proxy before a server, for connections that break without an orderly close. */
export class ChaosProxy {
  readonly links = new Set<Link>();

  /** Whether new connections are closed at once. */
  refuses = false;

  /** Called with each new connection. */
  onLink?: (link: Link) => void;

  private constructor(
    private readonly listener: Server,
    private target: number,
  ) {
    listener.on('connection', (client) => {
      this.serve(client);
    });
  }

  static async before(target: number): Promise<ChaosProxy> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    return new ChaosProxy(listener, target);
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port;
  }

  /** Leads to another server from now on, and cuts the connections to the former one. */
  retarget(target: number): void {
    this.target = target;
    this.cutAll();
  }

  /** Applies `change` to all connections, present and future. */
  each(change: (link: Link) => void): void {
    this.onLink = change;
    for (const link of this.links) change(link);
  }

  /** Closes all connections. */
  cutAll(): void {
    for (const link of this.links) link.cut();
  }

  async stop(): Promise<void> {
    this.cutAll();
    this.listener.close();
    await once(this.listener, 'close');
  }

  private serve(client: Socket): void {
    if (this.refuses) {
      client.on('error', () => undefined).destroy();
      return;
    }
    const server = connect(this.target, '127.0.0.1');
    const link = new Link(client, server);
    this.links.add(link);
    server.on('close', () => this.links.delete(link));
    this.onLink?.(link);
  }
}
