import { randomUUID } from 'node:crypto';
import { StoreNotReachedError } from '../../provider-api/index.js';
import { destroyConnection, type PgClient, type PgClientInside } from './pg-types.js';
import { explainError } from './postgres-errors.js';
import { behindPooler, closed } from './postgres.messages.js';

/** The listening session is asked for a sign of life every so many milliseconds, and has so long for an answer. */
const KEEP_ALIVE = 5000;

/** Within how many milliseconds a notification arrives over a pooler that passes notifications on. */
const NOTIFICATION_TIME = 2000;

/** How long it may take until a session listens, in milliseconds. */
const OPEN_TIMEOUT = 10_000;

/** What a session is for. */
export interface SessionPlan {
  /** Quoted. */
  readonly schema: string;
  readonly namespace: string;
  readonly processId: string;
  /** The function of the schema after which other commands reckon with this session. */
  readonly register: 'listen_v1' | 'watch_records_v1';
  /** Sends a notification over the connection for commands. */
  readonly notify: (channel: string, payload: string) => Promise<unknown>;
  readonly onMessage: (payload: string) => void;
  /** Told once, when the session is over although it was not closed. */
  readonly onLost: () => void;
}

/** This process hears no wake-ups, and will not as long as its options stay the same. */
export class NoWakeUps extends Error {
  override readonly name = 'NoWakeUps';
}

/** One session that listens for one process, until it is lost or closed. */
export class WakeUpSession {
  private isOver = false;
  private keepAlive?: NodeJS.Timeout;
  private probe?: (payload: string) => void;

  constructor(
    private readonly client: PgClient,
    private readonly plan: SessionPlan,
  ) {}

  /** Resolves once the process hears what concerns it, and other processes take it for alive. */
  async open(): Promise<void> {
    const { client, plan } = this;
    client.on('error', this.lost);
    client.on('end', this.lost);
    client.on('notification', ({ payload = '' }) => {
      if (this.probe) this.probe(payload);
      plan.onMessage(payload);
    });
    const late = setTimeout(() => {
      destroyConnection(client);
    }, OPEN_TIMEOUT).unref();
    try {
      if (this.isOver) throw new StoreNotReachedError(closed());
      await client.connect();
      const [row] = (
        await client.query(`SELECT pg_backend_pid() AS pid, ${plan.schema}.channel_v1($1, $2) AS channel`, [
          plan.namespace,
          plan.processId,
        ])
      ).rows;
      const channel = String(row?.channel);
      await client.query(`LISTEN "${channel}"`);
      // A pooler announces a process id of its own.
      if ((client as PgClientInside).processID !== row?.pid) await this.assertHears(channel);
      await client.query(`SELECT ${plan.schema}.${plan.register}($1, $2)`, [plan.namespace, plan.processId]);
    } catch (error) {
      this.close();
      throw error instanceof NoWakeUps ? error : explainError(error);
    } finally {
      clearTimeout(late);
    }
    this.ask();
  }

  close(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.keepAlive);
    this.client.end().catch(() => undefined);
    // `end` waits for a server that may not answer any more.
    setTimeout(() => {
      destroyConnection(this.client);
    }, 500).unref();
  }

  /** Sends itself a notification over another connection: one that comes the same way as those of other processes. */
  private async assertHears(channel: string): Promise<void> {
    const payload = randomUUID();
    let timer: NodeJS.Timeout | undefined;
    const heard = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, NOTIFICATION_TIME, false).unref();
      this.probe = (text) => {
        if (text === payload) resolve(true);
      };
    });
    try {
      await this.plan.notify(channel, payload);
      if (await heard) return;
      // The pooler lends the session to others.
      await this.client.query(`UNLISTEN "${channel}"`);
      throw new NoWakeUps(behindPooler());
    } finally {
      clearTimeout(timer);
      this.probe = undefined;
    }
  }

  private ask(): void {
    if (this.isOver) return;
    this.keepAlive = setTimeout(() => {
      const late = setTimeout(() => {
        this.lost();
      }, KEEP_ALIVE).unref();
      this.client.query('SELECT 1').then(
        () => {
          clearTimeout(late);
          this.ask();
        },
        () => {
          clearTimeout(late);
          this.lost();
        },
      );
    }, KEEP_ALIVE).unref();
  }

  private readonly lost = (): void => {
    if (this.isOver) return;
    this.close();
    destroyConnection(this.client);
    this.plan.onLost();
  };
}
