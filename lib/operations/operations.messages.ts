import { quote } from '../errors/quote.js';

export const lockingModuleMissing = (what: string): string =>
  `${what}: there are no locks in this application. Import LockingModule.forRoot() into the root module.`;

export const noOptions = (what: string, example: string): string =>
  `${what}: the options must be an object, such as ${example}.`;

export const notAnOption = (what: string, name: string, known: readonly string[]): string =>
  `${what}: ${quote(name)} is not an option. Known are: ${known.join(', ')}.`;
