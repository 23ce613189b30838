import type { Redis } from 'ioredis';
import { isReply } from './redis-errors.js';

/** For how long an attempt that was cancelled before it arrived is refused, in milliseconds: */
const VOID = {
  /** Nothing can come over an earlier connection any more. */
  cutOff: 5000,
  /** The server may not be told to close earlier connections, and TCP delivers what it has for up to so long. */
  open: 900_000,
};

/** A connection, as the server names it. */
interface ServerSide {
  readonly id: string;
  readonly addr: string;
}

/** The commands that were sent over a connection which is closed now, and may still arrive. */
export class FormerConnections {
  /** What the server calls the present connection. */
  private self?: ServerSide;
  private hadConnection = false;

  /** The last one before it that was named. */
  private earlier?: ServerSide;

  /** See {@link VOID}. */
  tombstoneTtl = VOID.cutOff;

  /**
   * A command that was sent over an earlier connection and has not arrived yet must not arrive at all: its caller has
   * given it up. This is the first command on a new connection, so it comes before the cancels of those.
   *
   * @returns resolved when `tombstoneTtl` takes into account whether the server has done so
   */
  async cutOff(client: Redis): Promise<void> {
    const noteRefusal = (error: unknown): void => {
      if (isReply(error)) this.tombstoneTtl = VOID.open;
    };
    // A connection that was never named cannot be cut off. The one before it still may have to be.
    if (!this.self && this.hadConnection) this.tombstoneTtl = VOID.open;
    this.earlier = this.self ?? this.earlier;
    this.self = undefined;
    this.hadConnection = true;
    const { earlier } = this;
    // The address as well: after a restart or a failover the number may be that of another client.
    const killed = earlier && client.call('CLIENT', 'KILL', 'ID', earlier.id, 'ADDR', earlier.addr).catch(noteRefusal);
    client.call('CLIENT', 'INFO').then((info) => {
      const [, id, addr] = /\bid=(\d+) addr=(\S+)/.exec(String(info)) ?? [];
      if (id !== undefined && addr !== undefined) this.self = { id, addr };
    }, noteRefusal);
    await killed;
  }
}
