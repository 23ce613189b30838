import { quote } from '../../errors/quote.js';

export const badInstanceId = (longest: number): string =>
  `instanceId: must be a text of 1 to ${String(longest)} visible characters that names this instance of the application, such as 'web-1'.`;

export const badSerialized = (): string => 'restore: the text must be what lock.serialize() has returned, unchanged.';

export const badLabel = (longest: number): string =>
  `label: must be a text of 1 to ${String(longest)} visible characters that says what the lock is for, such as 'OrderService.pay'.`;

export const posesAsInstance = (ownerId: string): string =>
  `ownerId: ${quote(ownerId)} has the form of the ids that instances make for their own locks, and would be shown as the lock of an instance. Name the owner otherwise; a lock of another process is gone on with by lock.serialize() and restore().`;
