import type { MemoryQueues } from '../../lib/providers/memory/memory-queues.js';
import type { WakeUpListener } from '../../lib/index.js';
import { signal, type Faults, type Signal } from './faults.js';
import type { ProcessClock } from './process-clock.js';
import type { Watcher } from './watcher.js';

/** The subscription of one process. Messages may be lost, late or doubled, and the subscription may break. */
export class Channel {
  private listener?: WakeUpListener;
  private processId = '';
  private subscribed = false;
  private opened: Promise<void> = Promise.resolve();
  private lastMessage: Promise<void> = Promise.resolve();
  private broken?: Signal & { readonly noticed: boolean };
  private connection = 0;
  private closed = false;
  private isDeaf = true;
  private wasOpened = false;

  /** @param ordered - messages arrive in the order in which they were sent, and none from a connection that is gone */
  constructor(
    private readonly process: number,
    private readonly clock: ProcessClock,
    private readonly queues: MemoryQueues,
    private readonly faults: Faults,
    private readonly watcher: Watcher,
    private readonly ordered: boolean,
  ) {}

  /** Whether the store finds a subscriber here. */
  get isOpen(): boolean {
    return this.subscribed;
  }

  /** Whether the process gets a message of the store at once. */
  get isClear(): boolean {
    return this.subscribed && !this.clock.frozen && this.faults.sparesMessages;
  }

  /** Whether the process knows that it gets no messages. */
  get isKnownDeaf(): boolean {
    return this.isDeaf;
  }

  /** Whether the process has ever been subscribed, and told so. */
  get hasOpened(): boolean {
    return this.wasOpened;
  }

  listen(processId: string, listener: WakeUpListener): Promise<void> {
    this.opened = this.open(processId, listener);
    return this.opened;
  }

  /** Breaks the subscription. The process notices it now (`noticed`), or when it is back. */
  interrupt(noticed: boolean): void {
    if (this.broken) return;
    this.broken = { ...signal(), noticed };
    if (!this.subscribed) return;
    this.unsubscribe();
    if (noticed) this.notifyOfInterruption();
  }

  restore(): void {
    const { broken, listener } = this;
    if (!broken) return;
    this.broken = undefined;
    broken.resolve();
    if (!listener || this.closed) return;
    if (!broken.noticed) this.notifyOfInterruption();
    this.subscribe();
    this.notify(() => {
      this.isDeaf = false;
      listener.restored();
    });
  }

  close(): void {
    this.closed = true;
    if (this.subscribed) this.unsubscribe();
  }

  private async open(processId: string, listener: WakeUpListener): Promise<void> {
    const fault = this.faults.next('listen');
    if (fault === 'refuse' || fault === 'fail' || fault === 'lose') throw new Error('no connection');
    if (fault) await this.faults.park('listen');
    while (this.broken) await this.broken.promise;
    if (this.closed) return new Promise(() => undefined);
    this.processId = processId;
    this.listener = listener;
    this.subscribe();
    await this.clock.awake();
    this.isDeaf = false;
    this.wasOpened = true;
  }

  private subscribe(): void {
    const { process, watcher } = this;
    this.connection += 1;
    this.subscribed = true;
    this.queues.listen(this.processId, {
      granted: (key, attemptId, token, contended) =>
        this.receive((listener) => listener.granted(key, attemptId, token, contended)),
      contended: (key, attemptId) =>
        this.receive((listener) => {
          watcher.hearsOfWaiters(process, key, attemptId);
          listener.contended(key, attemptId);
        }),
      lost: (key, attemptId) => this.receive((listener) => listener.lost(key, attemptId)),
      offered: (key, attemptId) => this.receive((listener) => listener.offered(key, attemptId)),
      interrupted: () => undefined,
      restored: () => undefined,
    });
  }

  private unsubscribe(): void {
    this.subscribed = false;
    this.queues.leave(this.processId);
    this.watcher.goesDeaf(this.process);
  }

  private receive(tell: (listener: WakeUpListener) => void): void {
    void this.carry(tell);
  }

  private async carry(tell: (listener: WakeUpListener) => void): Promise<void> {
    const { connection } = this;
    const fault = this.faults.next('message');
    if (fault === 'refuse' || fault === 'fail' || fault === 'lose') return;
    const before = this.lastMessage;
    const arrived = signal();
    this.lastMessage = arrived.promise;
    if (this.ordered) await before;
    if (fault === 'delay' || fault === 'hold' || fault === 'holdAndLose') await this.faults.park('message');
    arrived.resolve();
    const goesOn = (): boolean => !this.closed && (!this.ordered || connection === this.connection);
    await this.clock.awake();
    if (goesOn()) tell(this.listener!);
    if (fault === 'twice' && goesOn()) tell(this.listener!);
    if (fault !== 'resend') return;
    await this.faults.park('message');
    await this.clock.awake();
    if (goesOn()) tell(this.listener!);
  }

  private notifyOfInterruption(): void {
    this.notify((listener) => {
      listener.interrupted();
      this.isDeaf = true;
      this.watcher.knowsDeaf(this.process);
    });
  }

  /** Reports the state of the connection, but only after the first subscription. */
  private notify(tell: (listener: WakeUpListener) => void): void {
    void this.opened
      .then(() => this.clock.awake())
      .then(() => {
        if (!this.closed) tell(this.listener!);
      });
  }
}
