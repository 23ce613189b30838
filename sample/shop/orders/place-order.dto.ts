import { checkCount, checkObject, checkSku, checkText } from '../common/body-fields.js';

export class PlaceOrderDto {
  constructor(
    readonly sku: string,
    readonly quantity: number,
    readonly customer: string,
  ) {}
}

export function parsePlaceOrder(body: unknown): PlaceOrderDto {
  const { sku, quantity, customer } = checkObject(body);
  return new PlaceOrderDto(checkSku(sku), checkCount(quantity, 'quantity', 1), checkText(customer, 'customer'));
}
