import type { OnApplicationShutdown } from '@nestjs/common';
import { Observable } from 'rxjs';
import { lockingChannels } from '../../diagnostics/channels.js';
import type { LockOrigin } from '../../diagnostics/messages.interface.js';
import { makeInNeutralContext } from '../../engine/runtime/neutral-context.js';
import { setImmediate } from '../../engine/runtime/real-queues.js';
import { LockConfigurationError } from '../../errors/index.js';
import { noEventTypes, unknownEventType } from './events.messages.js';
import type { LockEvent, LockEventMessages, LockEventType } from './lock-event.interface.js';

/** Begins to listen; what it returns ends that. */
type Subscribe<Message> = (listener: (message: Message) => void) => () => void;

const { acquire, hold, store, timeout, lost, revoked, leader, tick, jobPutBack, wakeUps } = lockingChannels;

interface PlainChannel<Message> {
  subscribe(listener: (message: Message) => void): void;
  unsubscribe(listener: (message: Message) => void): boolean;
}

interface TraceChannel<Message> {
  subscribe(subscribers: Partial<Record<'start' | 'asyncEnd', (message: Message) => void>>): void;
  unsubscribe(subscribers: Partial<Record<'start' | 'asyncEnd', (message: Message) => void>>): void;
}

const SOURCES: { readonly [Type in LockEventType]: Subscribe<LockEventMessages[Type]> } = {
  waiting: traced(acquire, 'start'),
  waited: traced(acquire, 'asyncEnd'),
  held: traced(hold, 'start'),
  released: traced(hold, 'asyncEnd'),
  store: traced(store, 'asyncEnd'),
  timeout: plain(timeout),
  lost: plain(lost),
  revoked: plain(revoked),
  leader: plain(leader),
  tick: plain(tick),
  'job-put-back': plain(jobPutBack),
  'wake-ups': plain(wakeUps),
};

/**
 * What happens to the locks of this application, as an Observable. It is among the exports of `LockingModule`; inject it.
 *
 * Events come in their order, a moment after they happened and outside of every lock and async context, so a listener may
 * do what it likes. Without subscribers nothing is made. The Observables complete when the
 * application ends.
 *
 * @example
 * constructor(events: LockEvents) {
 *   events.on('lost', 'revoked').subscribe(({ keyTemplate, reason }) => this.alarm.raise(`${keyTemplate}: ${reason}`));
 * }
 */
export class LockEvents implements OnApplicationShutdown {
  readonly #application: string;

  /** Ends a subscription, each. */
  readonly #open = new Set<() => void>();
  #closed = false;

  /** @internal */
  constructor(application: string) {
    this.#application = application;
  }

  /**
   * The events of these kinds, from the subscription on. Each subscription listens to the channels of these kinds only.
   * As with every Observable, an error that your listener throws is an uncaught exception.
   *
   * @throws LockConfigurationError for no kind at all, or one that there is not
   */
  on<Type extends LockEventType>(...types: readonly [Type, ...Type[]]): Observable<LockEvent<Type>> {
    if ((types as readonly Type[]).length === 0) throw new LockConfigurationError(noEventTypes());
    const unknown = types.find((type) => !Object.hasOwn(SOURCES, type));
    if (unknown !== undefined) throw new LockConfigurationError(unknownEventType(unknown, Object.keys(SOURCES)));
    return new Observable<LockEvent<Type>>((subscriber) => {
      if (this.#closed) {
        subscriber.complete();
        return undefined;
      }
      const queue = new EventQueue<LockEvent<Type>>((event) => {
        subscriber.next(event);
      });
      const stops = [...new Set(types)].map((type) =>
        this.follow(type, (event) => {
          queue.add(event);
        }),
      );
      const end = (): void => {
        queue.flush();
        subscriber.complete();
      };
      this.#open.add(end);
      return () => {
        this.#open.delete(end);
        for (const stop of stops) stop();
        queue.close();
      };
    });
  }

  /** Called by Nest: what has happened until now is told, and every Observable completes. */
  onApplicationShutdown(): void {
    this.#closed = true;
    for (const end of [...this.#open]) end();
  }

  private follow<Type extends LockEventType>(type: Type, listener: (event: LockEvent<Type>) => void): () => void {
    const subscribe = SOURCES[type] as Subscribe<LockOrigin>;
    return subscribe((message) => {
      if (message.application !== this.#application) return;
      // A copy: the message of a trace is filled in later.
      listener({ ...message, type, time: new Date() } as unknown as LockEvent<Type>);
    });
  }
}

/** Tells of events after the work that they happened in. */
class EventQueue<Event> {
  private events: Event[] = [];
  private closed = false;

  constructor(private readonly tell: (event: Event) => void) {}

  add(event: Event): void {
    this.events.push(event);
    if (this.events.length === 1) makeInNeutralContext(setImmediate, this.flush);
  }

  /** Nothing is told any more. */
  close(): void {
    this.closed = true;
  }

  /** Tells what has happened until now. */
  readonly flush = (): void => {
    const { events } = this;
    this.events = [];
    for (const event of events) if (!this.closed) this.tell(event);
  };
}

function plain<Message>(channel: PlainChannel<Message>): Subscribe<Message> {
  return (listener) => {
    // Channels tell listeners apart by identity.
    const own = (message: Message): void => {
      listener(message);
    };
    channel.subscribe(own);
    return () => channel.unsubscribe(own);
  };
}

function traced<Message>(channel: TraceChannel<Message>, event: 'start' | 'asyncEnd'): Subscribe<Message> {
  return (listener) => {
    const own = {
      [event]: (message: Message) => {
        listener(message);
      },
    };
    channel.subscribe(own);
    return () => {
      channel.unsubscribe(own);
    };
  };
}
