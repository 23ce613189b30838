import { quote } from '../../errors/quote.js';

export const noOptions = (what: string): string =>
  `${what}: the options must be an object, such as { maxTemplates: 100 }.`;

export const notAMetricsOption = (what: string, name: string, known: readonly string[]): string =>
  `${what}: ${quote(name)} is not an option. Known are: ${known.join(', ')}.`;

export const badBuckets = (what: string): string =>
  `${what}: buckets must be ascending numbers of seconds above 0, such as [0.01, 0.1, 1, 10].`;

export const badMaxTemplates = (what: string): string => `${what}: maxTemplates must be a whole number from 1 on.`;
