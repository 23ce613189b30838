import { quote } from '../../errors/quote.js';

export const nameRequired = (keys: readonly string[]): string =>
  `The checkpoints of a lock of ${String(keys.length)} keys need a name: lock.checkpoints({ name: 'import' }).`;

export const keepNotUsable = (keep: unknown, most: number): string =>
  `keep must be a whole number from 1 to ${String(most)}, not ${String(keep)}.`;

export const versionNotUsable = (version: unknown): string =>
  `version must be a whole number, 1 or more, not ${String(version)}.`;

export const sequenceNotUsable = (sequence: unknown): string =>
  `The sequence of a checkpoint is a whole number, 1 or more, not ${String(sequence)}.`;

export const migrateNotFunction = (): string => 'migrate must be a function of the data and its version.';

export const progressTooLarge = (bytes: number, most: number): string =>
  `progress has ${String(bytes)} bytes as JSON; at most ${String(most)} are allowed. Put the state of the job into the data.`;

export const progressNotJson = (): string => 'progress must be JSON: a number, a text, or an object of such.';

export const otherVersion = (name: string, sequence: number, found: number, expected: number): string =>
  `Checkpoint ${String(sequence)} of ${quote(name)} has version ${String(found)}, and this program expects version ${String(expected)}. Give the option migrate, or delete the checkpoints to begin anew.`;

export const takenOver = (name: string): string =>
  `The checkpoint of ${quote(name)} was refused: a later holder of the lock has taken over. Nothing was saved. Stop, as that holder goes on with the job.`;

export const notHolding = (key: string): string =>
  `save: the call chain does not hold ${quote(key)}. Save from inside the execute, the decorated method or the job that holds it, or give its lock: save(key, data, { lock }).`;

export const lockOfOtherKeys = (key: string, keys: readonly string[]): string =>
  `The option lock is a lock of ${keys.map((one) => quote(one)).join(', ')}, not of ${quote(key)}: give the lock that holds the key.`;

export const lockOfOtherProvider = (key: string, provider: string): string =>
  `The option lock holds ${quote(key)} by another provider than ${quote(provider)}: leave the option provider out.`;

export const headNotReadable = (name: string): string =>
  `The record of the checkpoints of ${quote(name)} has another form: other software has written it. Delete the record, or choose another name.`;

export const notFlushed = (name: string, cause: unknown): string =>
  `The last checkpoint of ${quote(name)} could not be saved at the release of its lock: ${cause instanceof Error ? cause.message : String(cause)} The next holder goes on from the one before.`;
