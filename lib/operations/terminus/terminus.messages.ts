const WHAT = 'LockingHealthIndicator';

export const noKey = (): string => `${WHAT}: the key must be a text that is not empty, such as "locks".`;

export const noProviders = (): string => `${WHAT}: providers must be an array of ids, such as ["locking-redis"].`;
