import { context, SpanKind, SpanStatusCode, type Attributes, type Context, type Tracer } from '@opentelemetry/api';
import { lockingChannels } from '../../diagnostics/channels.js';
import type { AcquireMessage, HoldMessage } from '../../diagnostics/messages.interface.js';
import { isLockingError } from '../../errors/index.js';

const { acquire, hold } = lockingChannels;

/** What spans there are. */
export interface SpanSettings {
  readonly wait: boolean;
  readonly hold: boolean;
  /** Waits that are shorter, in milliseconds, have no span. */
  readonly minWait: number;
  readonly keys: boolean;
}

/** Where a wait began: in which trace, and when. */
interface Beginning {
  readonly parent: Context;
  readonly time: number;
}

/** Makes spans of waits and holds, in the trace of the call that asked for the lock. */
export class LockSpans {
  private readonly waits = new WeakMap<Readonly<AcquireMessage>, Beginning>();
  private readonly holds = new WeakMap<Readonly<HoldMessage>, number>();

  constructor(
    private readonly tracer: Tracer,
    private readonly application: string,
    private readonly settings: SpanSettings,
  ) {}

  start(): void {
    if (!this.settings.wait && !this.settings.hold) return;
    acquire.subscribe(this.onWait);
    if (this.settings.hold) hold.subscribe(this.onHold);
  }

  stop(): void {
    acquire.unsubscribe(this.onWait);
    hold.unsubscribe(this.onHold);
  }

  private readonly onWait = {
    start: (message: AcquireMessage): void => {
      if (message.application !== this.application) return;
      this.waits.set(message, { parent: context.active(), time: Date.now() });
    },
    asyncEnd: (message: AcquireMessage): void => {
      const beginning = this.waits.get(message);
      const { outcome = 'acquired', waited = 0, error, fencingToken } = message;
      if (!beginning || !this.settings.wait || waited < this.settings.minWait) return;
      const attributes = { ...this.attributes(message), 'locking.outcome': outcome, ...tokenOf(fencingToken) };
      const isFailure = outcome !== 'acquired' && outcome !== 'busy' && outcome !== 'cancelled';
      this.span('lock.wait', beginning, waited, attributes, isFailure ? error : undefined);
    },
  };

  private readonly onHold = {
    start: (message: HoldMessage): void => {
      if (this.waits.has(message.wait)) this.holds.set(message, Date.now());
    },
    asyncEnd: (message: HoldMessage): void => {
      const time = this.holds.get(message);
      const parent = this.waits.get(message.wait)?.parent;
      if (time === undefined || !parent) return;
      const { outcome = 'released', held = 0, error, fencingToken } = message;
      const attributes = { ...this.attributes(message), 'locking.outcome': outcome, ...tokenOf(fencingToken) };
      this.span('lock.hold', { parent, time }, held, attributes, error);
    },
  };

  private span(
    name: string,
    { parent, time }: Beginning,
    length: number,
    attributes: Attributes,
    error: unknown,
  ): void {
    const template = attributes['locking.key_template'];
    const title = template === undefined ? name : `${name} ${String(template)}`;
    const span = this.tracer.startSpan(title, { kind: SpanKind.INTERNAL, startTime: time, attributes }, parent);
    if (error !== undefined) {
      // Not the message of the error, which names the keys.
      const code = isLockingError(error) ? error.code : 'ERROR';
      span.setAttribute('error.type', code);
      span.setStatus({ code: SpanStatusCode.ERROR, message: code });
    }
    span.end(time + length);
  }

  private attributes({ provider, keys, keyTemplate }: AcquireMessage | HoldMessage): Attributes {
    return {
      'locking.provider': provider,
      'locking.key_count': keys.length,
      ...(keyTemplate !== undefined && { 'locking.key_template': keyTemplate }),
      ...(this.settings.keys && { 'locking.keys': [...keys] }),
    };
  }
}

function tokenOf(fencingToken: number | undefined): Attributes {
  return fencingToken === undefined ? {} : { 'locking.fencing_token': fencingToken };
}
