import { Injectable } from '@nestjs/common';
import { setTimeout as delay } from 'node:timers/promises';

/** What takes time between the steps of an import. The demo stops an instance here. */
@Injectable()
export class Pace {
  async beforeWrite(): Promise<void> {
    await delay(30);
  }

  async beforeSave(): Promise<void> {
    await delay(10);
  }
}
