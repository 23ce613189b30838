import { WithLock } from 'nestjs-locking';

/** Does not compile, on purpose: what the compiler says of it is read by the test. */
export class Orders {
  @WithLock('order:<0>', { onUnavailable: async () => Promise.resolve('busy') })
  async pay(id: string): Promise<number> {
    return Promise.resolve(id.length);
  }
}
