import { onOneLine, quote } from '../errors/quote.js';

export const nameNotString = (type: string): string =>
  `The name of a record must be a string, not ${type}, such as "checkpoint/import-7".`;

export const nameEmpty = (): string => 'The name of a record must not be empty.';

export const nameNotWellFormed = (name: string): string =>
  `The name of the record ${quote(name)} has a NUL character or half a surrogate pair, which no store can keep. Make it of whole characters.`;

export const nameTooLong = (name: string, bytes: number, most: number): string =>
  `The name of the record ${quote(name)} has ${String(bytes)} bytes; at most ${String(most)} are allowed. Use a hash of it.`;

export const valueNotJson = (name: string, why: string): string =>
  `The value of the record ${quote(name)} cannot be written as JSON: ${why}. Nothing was written.`;

export const valueTooLarge = (name: string, bytes: number, most: number): string =>
  `The value of the record ${quote(name)} has ${String(bytes)} bytes as JSON; at most ${String(most)} are allowed (option maxSize). Nothing was written. Keep large values elsewhere, and their address here.`;

export const tokenNotUsable = (name: string, token: unknown): string =>
  `The token of a write of the record ${quote(name)} must be the fencingToken of a lock, not ${String(token)}.`;

export const versionNotUsable = (name: string): string =>
  `ifVersion of the record ${quote(name)} must be the version of a record that was read, or null for none.`;

export const sizeNotUsable = (): string => 'maxSize must be a positive whole number of bytes.';

export const ttlMissing = (name: string): string =>
  `The record ${quote(name)} needs a ttl, such as "1h"; null keeps it for ever.`;

export const noRecords = (id: string, store: string): string =>
  `Provider ${quote(id)} (${store}) keeps no records, which idempotency, checkpoints and circuit breakers need. Name another provider for them: memory, one Redis server, Sentinel, Cluster or PostgreSQL.`;

export const noTransactions = (id: string, store: string): string =>
  `save: the option transaction needs locks in the database of the transaction. Provider ${quote(id)} (${store}) keeps its records elsewhere. Nothing was written. Use PostgresLockingProvider with that database, or leave the option out.`;

export const notATransaction = (): string =>
  'save: the option transaction must be a transaction with a method query(sql, parameters), such as a client of pg after BEGIN.';

export const notReadable = (name: string): string =>
  `The record ${quote(name)} in the store is not JSON: other software has written it. Delete it, or give this application a namespace of its own.`;

export const listenerFailed = (name: string, error: unknown): string =>
  `A listener of RecordService.watch for the record ${quote(name)} failed: ${onOneLine(error instanceof Error ? (error.stack ?? error.message) : String(error))}`;
