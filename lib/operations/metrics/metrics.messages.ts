export const badBuckets = (what: string): string =>
  `${what}: buckets must be ascending numbers of seconds above 0, such as [0.01, 0.1, 1, 10].`;

export const notACount = (what: string, option: string): string =>
  `${what}: ${option} must be a whole number from 1 on.`;

export const tooManyTemplates = (what: string, most: number): string =>
  `${what}: there are more than ${String(most)} key templates; the others are counted as (other). A keyTemplate names a kind of keys and holds no id. If there are so many kinds, raise maxTemplates.`;

export const tooManyNames = (what: string, kind: string, most: number): string =>
  `${what}: there are more than ${String(most)} ${kind}; the others are counted as (other). A name that holds an id makes a time series of each. If there are so many, raise maxNames.`;
