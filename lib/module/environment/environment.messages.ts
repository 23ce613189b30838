import { quote } from '../../errors/quote.js';
import { redact } from '../../providers/redis/redact.js';

/** A value as it stands in messages: an address that was put into the wrong variable shows no password. */
const shown = (value: string): string => quote(redact(value));

export const unknownVariable = (name: string, nearest: string): string =>
  `Environment variable ${quote(name)}: there is none of this name. Do you mean ${nearest}? All of them are listed in docs/environment.md.`;

export const variableOfOther = (name: string, providers: readonly string[], chosen: string): string =>
  `Environment variable ${name}: it is one of the provider ${providers.join(' or ')}, and the provider is ${chosen}. Leave it out, or set LOCKING_PROVIDER=${providers[0] ?? ''}.`;

export const severalStores = (names: readonly string[]): string =>
  `Environment variables ${names.join(' and ')} name different stores. Leave all but one out, or choose with LOCKING_PROVIDER.`;

export const unknownProvider = (value: string, known: readonly string[]): string =>
  `Environment variable LOCKING_PROVIDER: ${shown(value)} is no provider. Known are: ${known.join(', ')}.`;

export const missingVariable = (provider: string, names: readonly string[]): string =>
  `The provider ${provider} needs the environment variable ${names.join(' or ')}.`;

export const notADuration = (name: string, value: string): string =>
  `Environment variable ${name}: ${shown(value)} is not a length of time. Write it with its unit, such as 250ms, 5s, 2m or 1h.`;

export const notABoolean = (name: string, value: string): string =>
  `Environment variable ${name}: ${shown(value)} must be true or false.`;

export const notANumber = (name: string, value: string): string =>
  `Environment variable ${name}: ${shown(value)} is not a number.`;

export const notAddresses = (name: string): string =>
  `Environment variable ${name}: it must be a list of host:port, with commas between, such as 10.0.0.1:6379,10.0.0.2:6379.`;

export const notReadable = (name: string, path: string, code: string): string =>
  `Environment variable ${name}: the file ${shown(path)} cannot be read (${code}). Give the path of a file in PEM format.`;

export const lowerCase = (name: string, nearest: string): string =>
  `Environment variable ${quote(name)}: names are written in capitals. Do you mean ${nearest}? All of them are listed in docs/environment.md.`;

export const needsAnother = (name: string, other: string): string =>
  `Environment variable ${name}: it has a meaning only with ${other}. Set that as well, or leave it out.`;

export const contradicts = (name: string, other: string): string =>
  `Environment variables ${name} and ${other} contradict each other: leave one of them out.`;

export const refused = (names: readonly string[], why: string): string =>
  names.length === 0 ? why : `Environment variable${names.length > 1 ? 's' : ''} ${names.join(' and ')}: ${why}`;
