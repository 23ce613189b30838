import { quote } from '../../errors/quote.js';

export const notAnOption = (name: string, known: readonly string[]): string =>
  `${quote(name)} is not an option of a singleton, which never waits. Known are: ${known.join(', ')}.`;

export const joinNotBoolean = (): string => 'join: must be true or false.';
