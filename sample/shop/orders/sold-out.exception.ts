import { ConflictException } from '@nestjs/common';

export class SoldOutException extends ConflictException {
  /** For clients: other refusals may have the status 409 too. */
  static readonly code = 'SOLD_OUT';

  constructor(sku: string) {
    super({ statusCode: 409, code: SoldOutException.code, message: `Not enough left of ${sku}` });
  }
}
