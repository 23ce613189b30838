import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';
import type { Payment } from '../payments/payment.js';

/** Stands for the network that a charge goes through: slow, and out of our hands. */
@Injectable()
export class CardNetwork {
  async authorise({ cents }: Payment, signal?: AbortSignal): Promise<void> {
    await delay(40 + (cents % 80), undefined, { signal });
  }
}
