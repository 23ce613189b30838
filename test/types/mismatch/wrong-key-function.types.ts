import { WithLock } from 'nestjs-locking';

/** Does not compile, on purpose: what the compiler says of it is read by the test. */
export class Orders {
  @WithLock((dto: { id: string }) => dto.id)
  async pay(orderId: string): Promise<string> {
    return Promise.resolve(orderId);
  }
}
