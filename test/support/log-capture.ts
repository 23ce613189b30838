import type { LoggerService } from '@nestjs/common';

interface Line {
  readonly level: string;
  readonly text: string;
  readonly parts: readonly unknown[];
}

/** A logger for Nest that keeps its messages. */
export class LogCapture implements LoggerService {
  readonly lines: Line[] = [];

  log(...parts: unknown[]): void {
    this.keep('log', parts);
  }

  warn(...parts: unknown[]): void {
    this.keep('warn', parts);
  }

  error(...parts: unknown[]): void {
    this.keep('error', parts);
  }

  /** The messages of this package, but for the one that names the instance at each start. */
  of(level: 'log' | 'warn' | 'error'): string[] {
    return this.lines
      .filter((line) => line.level === level && line.parts.includes('LockingModule'))
      .map(({ text }) => text)
      .filter((text) => !text.startsWith('Locks of this instance are held as'));
  }

  private keep(level: string, parts: readonly unknown[]): void {
    this.lines.push({ level, text: String(parts[0]), parts });
  }
}
