import { afterEach } from '@jest/globals';
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * One connection through the proxy. The proxy can keep the client's bytes from the server, even after the client has
 * closed, and lose those of the server.
 */
export class ProxiedConnection {
  private readonly kept: Buffer[] = [];
  private keeps: ((bytes: Buffer) => boolean) | undefined;
  private loses = false;
  private isDark = false;

  /** How many chunks of the server were lost. */
  lost = 0;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
  ) {
    client.on('error', () => undefined).on('data', (bytes) => this.fromClient(bytes));
    server.on('error', () => undefined).on('data', (bytes) => this.fromServer(bytes));
    client.on('close', () => {
      if (!this.keeps && !this.isDark) server.destroy();
    });
    server.on('close', () => {
      if (!this.isDark) client.destroy();
    });
  }

  /** From the first wanted chunk of the client on, keeps all its bytes here. */
  keep(wanted: (bytes: Buffer) => boolean = () => true): void {
    this.keeps = wanted;
  }

  /** Whether bytes are kept. */
  get keepsAnything(): boolean {
    return this.kept.length > 0;
  }

  /** Whether the kept bytes end with these. */
  keepsUntil(end: Buffer): boolean {
    return Buffer.concat(this.kept).subarray(-end.length).equals(end);
  }

  /** Sends the kept bytes to the server, and keeps no more. */
  letGo(): void {
    this.keeps = undefined;
    for (const bytes of this.kept.splice(0)) this.server.write(bytes);
  }

  /** From now on loses all bytes of the server. */
  loseAnswers(): void {
    this.loses = true;
  }

  get dark(): boolean {
    return this.isDark;
  }

  /** From now on no bytes arrive on either side, and neither side learns that the other has closed. */
  goDark(): void {
    this.isDark = true;
  }

  /** Ends the client's side. The server does not learn of it while bytes are kept. */
  cut(): void {
    this.client.destroy();
  }

  /** Sends the kept bytes to the server. Returns whether the server has answered, or has closed the connection. */
  async deliver(): Promise<'answered' | 'closed'> {
    if (this.server.destroyed) return 'closed';
    const answered = once(this.server, 'data').then(() => 'answered' as const);
    const closed = once(this.server, 'close').then(() => 'closed' as const);
    for (const bytes of this.kept.splice(0)) this.server.write(bytes);
    return Promise.race([answered, closed]);
  }

  /** Sends all kept bytes but the last ones, which never arrive. Returns whether there were any to send. */
  deliverAllBut(missing: number): boolean {
    const bytes = Buffer.concat(this.kept);
    if (bytes.length <= missing) return false;
    this.kept.splice(0, this.kept.length, bytes.subarray(-missing));
    this.server.write(bytes.subarray(0, -missing));
    return true;
  }

  /** Whether the server has closed its side. */
  get closedByServer(): boolean {
    return this.server.destroyed;
  }

  destroy(): void {
    this.client.destroy();
    this.server.destroy();
  }

  private fromServer(bytes: Buffer): void {
    if (this.isDark) return;
    if (this.loses) this.lost += 1;
    else this.client.write(bytes);
  }

  private fromClient(bytes: Buffer): void {
    if (this.isDark) return;
    if (this.kept.length > 0 || this.keeps?.(bytes)) this.kept.push(bytes);
    else this.server.write(bytes);
  }
}

/** A TCP proxy before a server, for connections that break without an orderly close. */
export class TcpProxy {
  readonly connections: ProxiedConnection[] = [];

  /** Called with each new connection. */
  onConnection?: (connection: ProxiedConnection) => void;

  private constructor(
    private readonly listener: Server,
    readonly port: number,
  ) {}

  static async before(target: number): Promise<TcpProxy> {
    const listener = createServer().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const proxy = new TcpProxy(listener, (listener.address() as { port: number }).port);
    listener.on('connection', (client) => {
      const connection = new ProxiedConnection(client, connect(target, '127.0.0.1'));
      proxy.connections.push(connection);
      proxy.onConnection?.(connection);
    });
    return proxy;
  }

  /** Makes all present connections go dark. Returns how many. */
  goDark(): number {
    const lit = this.connections.filter((connection) => !connection.dark);
    for (const connection of lit) connection.goDark();
    return lit.length;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  close(): void {
    this.listener.close();
    for (const connection of this.connections) connection.destroy();
  }
}

/** Starts proxies, and closes them after each test. */
export function useProxies(): (target: number) => Promise<TcpProxy> {
  const proxies: TcpProxy[] = [];
  afterEach(() => {
    for (const proxy of proxies.splice(0)) proxy.close();
  });
  return async (target) => {
    const proxy = await TcpProxy.before(target);
    proxies.push(proxy);
    return proxy;
  };
}
