import { BadRequestException } from '@nestjs/common';

/** A SKU is part of store keys and of lock keys, so only plain ones are let in. */
export function checkSku(value: unknown): string {
  if (typeof value === 'string' && /^[\w-]{1,64}$/.test(value)) return value;
  throw new BadRequestException('sku must be 1 to 64 letters, digits, "-" or "_"');
}

export function checkText(value: unknown, name: string): string {
  if (typeof value === 'string' && value.trim() !== '' && value.length <= 100) return value;
  throw new BadRequestException(`${name} must be a text of 1 to 100 characters`);
}

export function checkCount(value: unknown, name: string, minimum: number): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= minimum) return value;
  throw new BadRequestException(`${name} must be a whole number of at least ${minimum}`);
}

export function checkObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new BadRequestException('the body must be a JSON object');
}
