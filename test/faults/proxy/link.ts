import type { Socket } from 'node:net';
import { Lane } from './lane.js';

/** A connection through the proxy. */
export class Link {
  readonly toServer: Lane;
  readonly toClient: Lane;
  private parted = false;

  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
  ) {
    client.setNoDelay(true).on('error', () => undefined);
    server.setNoDelay(true).on('error', () => undefined);
    this.toServer = new Lane(client, server);
    this.toClient = new Lane(server, client);
    client.on('close', () => {
      if (!this.parted) server.destroy();
    });
    server.on('close', () => client.destroy());
  }

  /** Closes both sides. */
  cut(): void {
    this.client.destroy();
    this.server.destroy();
  }

  /** Closes the client's side. The server does not learn of it, and bytes on their way may still arrive. */
  part(): void {
    this.parted = true;
    this.client.destroy();
  }
}
