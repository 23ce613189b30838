import { randomUUID } from 'node:crypto';
import type { WakeUpListener } from '../../provider-api/index.js';
import type { PgClient } from './pg-types.js';
import { decodeText, encodeText, isHashed } from './text-codec.js';
import { type SessionPlan, WakeUpSession } from './wake-up-session.js';

/** Between two tries to listen again, in milliseconds: the first, and the longest. */
const FIRST_DELAY = 50;
const LONGEST_DELAY = 2000;

/** How wake-ups reach their store. */
export interface WakeUpSurroundings {
  /** Makes a client that is not connected yet. Rejects if there is no way to listen. */
  readonly makeClient: () => Promise<PgClient>;
  /** Quoted. */
  readonly schema: string;
  readonly namespace: string;
  /** Sends a notification over the connection for commands. */
  readonly notify: (channel: string, payload: string) => Promise<unknown>;
  /** The key of which `id` is the hash. */
  readonly findKey: (id: string) => Promise<string | undefined>;
  /** This process cannot listen, for now or for good. */
  readonly onUnheard: (error: Error) => void;
}

/** The listening session of a process, made when first a caller has to wait, and made again whenever it is lost. */
export class PostgresWakeUps {
  private session?: WakeUpSession;
  private readonly opening = new Set<WakeUpSession>();
  private retry?: NodeJS.Timeout;
  private isClosed = false;

  constructor(private readonly around: WakeUpSurroundings) {}

  /** Resolves once everything for `processId` arrives. After a rejection nothing goes on in the background. */
  async listen(processId: string, listener: WakeUpListener): Promise<void> {
    try {
      await this.open(processId, listener);
    } catch (error) {
      this.around.onUnheard(error as Error);
      throw error;
    }
  }

  close(): void {
    this.isClosed = true;
    clearTimeout(this.retry);
    this.session?.close();
    for (const session of this.opening) session.close();
  }

  /**
   * Whether a process would be told, found out with a session that is closed again.
   *
   * @throws NoWakeUps if it would not
   */
  async probe(): Promise<void> {
    const client = await this.around.makeClient();
    const session = this.sessionFor(client, randomUUID(), {
      onMessage: () => undefined,
      onLost: () => undefined,
    });
    try {
      await this.openOne(session);
    } finally {
      session.close();
    }
  }

  private async open(processId: string, listener: WakeUpListener): Promise<void> {
    const client = await this.around.makeClient();
    const session = this.sessionFor(client, processId, {
      onMessage: (payload) => {
        this.deliver(payload, listener);
      },
      onLost: () => {
        if (this.session !== session || this.isClosed) return;
        this.session = undefined;
        listener.interrupted();
        this.reopen(processId, listener, FIRST_DELAY);
      },
    });
    await this.openOne(session);
    this.session = session;
  }

  private async openOne(session: WakeUpSession): Promise<void> {
    this.opening.add(session);
    try {
      if (this.isClosed) session.close();
      await session.open();
    } finally {
      this.opening.delete(session);
    }
  }

  private sessionFor(
    client: PgClient,
    processId: string,
    events: Pick<SessionPlan, 'onMessage' | 'onLost'>,
  ): WakeUpSession {
    const { schema, namespace, notify } = this.around;
    const names = { namespace: encodeText(namespace), processId: encodeText(processId) };
    return new WakeUpSession(client, { schema, ...names, register: 'listen_v1', notify, ...events });
  }

  private reopen(processId: string, listener: WakeUpListener, delay: number): void {
    if (this.isClosed) return;
    this.retry = setTimeout(() => {
      this.open(processId, listener).then(
        () => {
          if (!this.isClosed) listener.restored();
        },
        () => {
          this.reopen(processId, listener, Math.min(2 * delay, LONGEST_DELAY));
        },
      );
    }, delay).unref();
  }

  /** A message: see `sql/shared/tell.sql`. */
  private deliver(payload: string, listener: WakeUpListener): void {
    const message = parse(payload);
    if (!message) return;
    const [what, id, attempt, token, contended] = message;
    const tell = (key: string): void => {
      const attemptId = decodeText(attempt);
      if (what === 'granted') listener.granted(key, attemptId, Number(token), contended === true);
      else if (what === 'contended') listener.contended(key, attemptId);
      else if (what === 'lost') listener.lost(key, attemptId);
    };
    if (!isHashed(id)) {
      tell(decodeText(id));
      return;
    }
    this.around.findKey(id).then(
      (key) => {
        if (key !== undefined) tell(key);
      },
      // A wake-up may be lost.
      () => undefined,
    );
  }
}

/** Anybody may send to a channel. */
function parse(payload: string): [string, string, string, unknown, unknown] | undefined {
  try {
    const message: unknown = JSON.parse(payload);
    if (!Array.isArray(message) || !message.slice(0, 3).every((part) => typeof part === 'string')) return undefined;
    return message as [string, string, string, unknown, unknown];
  } catch {
    return undefined;
  }
}
