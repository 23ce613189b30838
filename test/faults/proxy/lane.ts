import type { Socket } from 'node:net';
import { now } from '../clock.js';

/** One direction of a connection. Bytes go out in order, unless a fault keeps them. */
export class Lane {
  /** Milliseconds that all bytes take. */
  delay = 0;
  /** Whether bytes are kept and none go out. */
  held = false;
  /** Whether bytes are thrown away. */
  muted = false;
  /** When the first bytes were thrown away. */
  lostAt?: number;

  private readonly waiting: { bytes: Buffer; due: number }[] = [];
  private timer?: NodeJS.Timeout;

  constructor(
    from: Socket,
    private readonly to: Socket,
  ) {
    from.on('data', (bytes) => {
      this.take(bytes);
    });
    to.on('close', () => {
      clearTimeout(this.timer);
    });
  }

  /** Sends the bytes that are due, unless they are kept. */
  pump(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    while (!this.held && this.waiting[0] && this.waiting[0].due <= now()) this.send(this.waiting.shift()!.bytes);
    const next = this.waiting[0];
    if (next && !this.held) this.timer = setTimeout(() => this.pump(), Math.max(1, next.due - now()));
  }

  private take(bytes: Buffer): void {
    if (this.muted) {
      this.lostAt ??= now();
      return;
    }
    if (this.delay === 0 && !this.held && this.waiting.length === 0) {
      this.send(bytes);
      return;
    }
    this.waiting.push({ bytes, due: now() + this.delay });
    this.pump();
  }

  private send(bytes: Buffer): void {
    if (!this.to.destroyed) this.to.write(bytes);
  }
}
