import type { Logger } from '@nestjs/common';
import { storeBack, storeFailed } from './leader-election.messages.js';

/** Tells once that the store fails an election, and once that it is back, however often it was asked meanwhile. */
export class Outage {
  private told = false;

  constructor(
    private readonly name: string,
    private readonly logger: Logger,
  ) {}

  note(error: unknown): void {
    if (this.told) return;
    this.told = true;
    this.logger.error(storeFailed(this.name, error));
  }

  over(): void {
    if (!this.told) return;
    this.told = false;
    this.logger.log(storeBack(this.name));
  }
}
