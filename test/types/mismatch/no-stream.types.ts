import { WithLock } from 'nestjs-locking';

/** Does not compile, on purpose: what the compiler says of it is read by the test. */
export class Orders {
  @WithLock('order:<0>', { observable: true })
  async pay(id: string): Promise<string> {
    return Promise.resolve(id);
  }
}
