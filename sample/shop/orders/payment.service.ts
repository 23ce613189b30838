import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';

/** How long a payment takes at most. Make it longer to see queues on the dashboard: PAYMENT_MS=800. */
const LONGEST_MS = Number(process.env.PAYMENT_MS ?? 8);

/** Stands for the payment provider, which answers with the number of a receipt after a few milliseconds. */
@Injectable()
export class PaymentService {
  async charge(customer: string): Promise<string> {
    await delay(LONGEST_MS * (0.25 + Math.random() * 0.75));
    return `${customer}:${randomUUID()}`;
  }
}
