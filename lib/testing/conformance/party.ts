import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { LeaseAnswer, LeaseRequest, LockingProvider, WakeUpListener } from '../../interfaces/index.js';
import type { ConformanceCase, ProviderUnderTest } from './provider-under-test.js';
import { only, requestFor, take } from './requests.js';

/** What a process was told. */
export interface Message {
  readonly what: 'granted' | 'wanted' | 'taken';
  readonly key: string;
  readonly attemptId: string;
  readonly token?: number;
  readonly wanted?: boolean;
}

/** By when a message has to be there, in milliseconds of real time. */
const PATIENCE = 3000;

/** One process in the lines of a store: a provider, its address, and what comes to it there. */
export class Party implements WakeUpListener {
  readonly heard: Message[] = [];
  private readonly asked = new Map<string, LeaseRequest>();
  private attempts = 0;
  private onMessage?: () => void;

  constructor(
    readonly provider: LockingProvider,
    readonly address: string,
  ) {}

  /** An id for an attempt of this process: it begins with its address. */
  nextAttempt(): string {
    return `${this.address}.${String((this.attempts += 1))}`;
  }

  /** Asks for a key, and stands in line for it where it is not to be had. */
  async ask(key: string, more: Partial<LeaseRequest> = {}): Promise<LeaseAnswer> {
    const request = requestFor(key, this.address, {
      attemptId: this.nextAttempt(),
      address: this.address,
      ...more,
    });
    this.asked.set(request.attemptId, request);
    return only(this.provider.acquire([request]));
  }

  /** The same, where anything but a place in line is a failure. Gives the attempt. */
  async queue(key: string, more: Partial<LeaseRequest> = {}): Promise<string> {
    const attemptId = this.nextAttempt();
    const answer = await this.ask(key, { attemptId, ...more });
    assert.ok(!answer.granted && answer.queued, `${this.address} should stand in line for ${key}`);
    return attemptId;
  }

  /** Takes what has to be free, without standing in line. Gives the attempt. */
  async hold(keys: string | readonly string[], more: Partial<LeaseRequest> = {}): Promise<string> {
    const attemptId = this.nextAttempt();
    await take(this.provider, keys, this.address, { attemptId, ...more });
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
      assert.ok(!tooLate, `${this.address} should have been told "${what}" of ${key}`);
    }
  }

  granted(key: string, attemptId: string, token: number, wanted: boolean): void {
    this.note({ what: 'granted', key, attemptId, token, wanted });
  }

  /** As the engine does it: it has the key once the store has said so. */
  offered(key: string, attemptId: string): void {
    const request = this.asked.get(attemptId);
    if (!request) return;
    only(this.provider.acquire([request])).then(
      (answer) => {
        if (!answer.granted) return;
        // A message may come twice: asked again after its release, the attempt would have the key once more.
        this.asked.delete(attemptId);
        this.granted(key, attemptId, answer.fencingTokens[0] ?? 0, answer.wanted ?? false);
      },
      // The case is over, or waits for it in vain.
      () => undefined,
    );
  }

  wanted(key: string, attemptId: string): void {
    this.note({ what: 'wanted', key, attemptId });
  }

  taken(key: string, attemptId: string): void {
    this.note({ what: 'taken', key, attemptId });
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
export interface Lines extends ProviderUnderTest {
  readonly here: Party;
  readonly there: Party;
  /** One more that hears, for as long as the case runs. */
  readonly third: (work: (third: Party) => Promise<void>) => Promise<void>;
  /** Nobody listens under its address. */
  readonly nobody: Party;
}

/** A case about the lines of a store. One that has no lines has nothing to keep. */
export function lineCase(name: string, run: (lines: Lines) => Promise<void>): ConformanceCase {
  return {
    name,
    async run(subject) {
      const { provider, other } = subject;
      if (!provider.listen || !other.listen) return;
      const lines = {
        ...subject,
        here: new Party(provider, 'here'),
        there: new Party(other, 'there'),
        nobody: new Party(other, 'nobody'),
        third: async (work: (third: Party) => Promise<void>) => {
          const third = new Party(await subject.connect(), 'third');
          try {
            await third.provider.listen?.('third', third);
            await work(third);
          } finally {
            await third.provider.close?.();
          }
        },
      };
      await Promise.all([provider.listen('here', lines.here), other.listen('there', lines.there)]);
      await run(lines);
    },
  };
}

/** Who stands in line for a key that is held, first come first. */
export async function lineOf(provider: LockingProvider, key: string): Promise<readonly string[]> {
  const [stored] = await provider.inspect([key]);
  assert.ok(stored, `${key} should be held`);
  return stored.line ?? [];
}
