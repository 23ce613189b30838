import { Injectable } from '@nestjs/common';
import { WithLock } from 'nestjs-locking';

/** The same method with and without a lock in memory. */
@Injectable()
export class DecoratedService {
  private calls = 0;

  @WithLock('order:<0>')
  async locked(id: number): Promise<number> {
    return this.bare(id);
  }

  async bare(id: number): Promise<number> {
    return Promise.resolve(id + ++this.calls);
  }
}
