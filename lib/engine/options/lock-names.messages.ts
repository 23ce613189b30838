export const badInstanceId = (longest: number): string =>
  `instanceId: must be a text of 1 to ${String(longest)} visible characters that names this instance of the application, such as 'web-1'.`;

export const badSerialized = (): string => 'restore: the text must be what lock.serialize() has returned, unchanged.';

export const badLabel = (longest: number): string =>
  `label: must be a text of 1 to ${String(longest)} visible characters that says what the lock is for, such as 'OrderService.pay'.`;
