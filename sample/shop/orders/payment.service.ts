import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** Stands for the payment provider, which answers with the number of a receipt after a few milliseconds. */
@Injectable()
export class PaymentService {
  async charge(customer: string): Promise<string> {
    await delay(2 + Math.random() * 6);
    return `${customer}:${randomUUID()}`;
  }
}
