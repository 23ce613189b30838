import { Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';

/** Whether the response is produced while it is being sent. */
export function isStreamBody(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return value instanceof StreamableFile || Symbol.asyncIterator in value || value instanceof Response;
}

/** Frees what the stream of an answer that will not be sent reads from, such as an open file. */
export function discardBody(value: unknown): void {
  const stream: unknown = value instanceof StreamableFile ? value.getStream() : value;
  if (!(stream instanceof Readable)) return;
  // a file that is just being opened may still fail, and it has no other listener
  stream.on('error', () => undefined);
  stream.destroy();
}
