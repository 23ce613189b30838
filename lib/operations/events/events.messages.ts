import { quote } from '../../errors/quote.js';

export const noEventTypes = (): string => `LockEvents.on: name at least one kind of event, such as on('lost').`;

export const unknownEventType = (type: string, known: readonly string[]): string =>
  `LockEvents.on: ${quote(type)} is not a kind of event. Known are: ${known.join(', ')}.`;
