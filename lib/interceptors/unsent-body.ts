import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

/** Frees what the stream of an answer that will not be sent reads from, such as an open file. */
export function discardBody(value: unknown): void {
  const stream: unknown = value instanceof StreamableFile ? value.getStream() : value;
  if (!(stream instanceof Readable)) return;
  // a file that is just being opened may still fail, and nobody else listens
  stream.on('error', () => undefined);
  stream.destroy();
}
