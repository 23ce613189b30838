import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseAnswer, LeaseRequest, LeaseStore, QueueingStore, WakeUpListener } from '../../provider-api/index.js';
import type { ConformanceCase, ProviderUnderTest } from './provider-under-test.js';
import { requestFor, take } from './requests.js';

/** What a process was told. */
export interface Message {
  readonly what: 'granted' | 'contended' | 'lost';
  readonly key: string;
  readonly attemptId: string;
  readonly token?: number;
  readonly contended?: boolean;
}

/** By when a message has to be there, in milliseconds of real time. */
const PATIENCE = 3000;

/** One process in the queues of a store: a provider, its process id, and the messages to it. */
export class Party implements WakeUpListener {
  readonly heard: Message[] = [];
  private readonly asked = new Map<string, LeaseRequest>();
  private attempts = 0;
  private onMessage?: () => void;

  constructor(
    readonly provider: LeaseStore,
    readonly processId: string,
  ) {}

  /** An id for an attempt of this process: it begins with the process id. */
  nextAttempt(): string {
    return `${this.processId}.${String((this.attempts += 1))}`;
  }

  /** Asks for a key, and joins its queue if the key is held. */
  async ask(key: string, more: Partial<LeaseRequest> = {}): Promise<LeaseAnswer> {
    const request = requestFor(key, this.processId, {
      attemptId: this.nextAttempt(),
      processId: this.processId,
      queue: true,
      ...more,
    });
    this.asked.set(request.attemptId, request);
    return this.provider.acquire(request);
  }

  /** The same, where anything but a queue entry is a failure. Gives the attempt. */
  async queue(key: string, more: Partial<LeaseRequest> = {}): Promise<string> {
    const attemptId = this.nextAttempt();
    const answer = await this.ask(key, { attemptId, ...more });
    assert.ok(!answer.granted && answer.queued, `${this.processId} should be in the queue of ${key}`);
    return attemptId;
  }

  /** Takes free keys, without joining a queue. Gives the attempt. */
  async hold(keys: string | readonly string[], more: Partial<LeaseRequest> = {}): Promise<string> {
    const attemptId = this.nextAttempt();
    await take(this.provider, keys, this.processId, { attemptId, ...more });
    return attemptId;
  }

  /** The first message of this kind about `key`, also one that came before. */
  async hear(what: Message['what'], key: string): Promise<Message> {
    const late = delay(PATIENCE, true, { ref: false });
    for (;;) {
      const message = this.heard.find((one) => one.what === what && one.key === key);
      if (message) return message;
      const more = new Promise<void>((resolve) => (this.onMessage = resolve));
      const tooLate = await Promise.race([more, late]);
      assert.ok(!tooLate, `${this.processId} should have been told "${what}" of ${key}`);
    }
  }

  granted(key: string, attemptId: string, token: number, contended: boolean): void {
    this.note({ what: 'granted', key, attemptId, token, contended });
  }

  /** As the engine does it: it has the key once the store has said so. */
  offered(key: string, attemptId: string): void {
    const request = this.asked.get(attemptId);
    if (!request) return;
    this.provider.acquire(request).then(
      (answer) => {
        if (!answer.granted) return;
        // A message may come twice: asked again after its release, the attempt would have the key once more.
        this.asked.delete(attemptId);
        this.granted(key, attemptId, answer.fencingTokens[0] ?? 0, answer.contended ?? false);
      },
      // The case is over, or waits for it in vain.
      () => undefined,
    );
  }

  contended(key: string, attemptId: string): void {
    this.note({ what: 'contended', key, attemptId });
  }

  lost(key: string, attemptId: string): void {
    this.note({ what: 'lost', key, attemptId });
  }

  interrupted(): void {
    // Nothing that a case waits for.
  }

  restored(): void {
    // Nothing that a case waits for.
  }

  private note(message: Message): void {
    this.heard.push(message);
    this.onMessage?.();
  }
}

/** Two processes that hear what concerns them, one that does not, and a third one where a case needs it. */
export interface Queues extends ProviderUnderTest {
  readonly here: Party;
  readonly there: Party;
  /** One more that hears, for as long as the case runs. */
  readonly third: (work: (third: Party) => Promise<void>) => Promise<void>;
  /** This process does not listen. */
  readonly nobody: Party;
}

/** A case about the queues of a store. */
export function queueCase(name: string, run: (queues: Queues) => Promise<void>): ConformanceCase {
  return {
    name,
    async run(subject) {
      // The suite leaves these cases out for a store without queues.
      const [provider, other] = [subject.provider as QueueingStore, subject.other as QueueingStore];
      const queues = {
        ...subject,
        here: new Party(provider, 'here'),
        there: new Party(other, 'there'),
        nobody: new Party(other, 'nobody'),
        third: async (work: (third: Party) => Promise<void>) => {
          const store = (await subject.connect()) as QueueingStore;
          const third = new Party(store, 'third');
          try {
            await store.listen('third', third);
            await work(third);
          } finally {
            await store.close();
          }
        },
      };
      await Promise.all([provider.listen('here', queues.here), other.listen('there', queues.there)]);
      await run(queues);
    },
  };
}

/** The process ids in the queue of a key that is held, in order. */
export async function queueOf(provider: LeaseStore, key: string): Promise<readonly string[]> {
  const [stored] = await provider.inspect([key]);
  assert.ok(stored, `${key} should be held`);
  return stored.queue ?? [];
}
