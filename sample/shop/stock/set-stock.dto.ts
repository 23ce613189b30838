import { checkCount, checkObject } from '../common/body-fields.js';

export class SetStockDto {
  constructor(readonly quantity: number) {}
}

export function parseSetStock(body: unknown): SetStockDto {
  const { quantity } = checkObject(body);
  return new SetStockDto(checkCount(quantity, 'quantity', 0));
}
