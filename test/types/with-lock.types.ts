import { of, type Observable } from 'rxjs';
import { WithLock } from '../../lib/index.js';

/** Compiled, never run: code that `@WithLock` must accept or refuse. */

interface PayDto {
  id: string;
}

export class Accepted {
  @WithLock('order:<0>')
  async template(orderId: string): Promise<string> {
    return Promise.resolve(orderId);
  }

  @WithLock('all')
  async noArguments(): Promise<void> {
    return Promise.resolve();
  }

  @WithLock('watch:<0>')
  stream(id: number): Observable<number> {
    return of(id);
  }

  @WithLock((dto: PayDto) => `pay:${dto.id}`)
  async keyFunction(dto: PayDto): Promise<string> {
    return Promise.resolve(dto.id);
  }

  @WithLock((dto: PayDto) => ['pay', dto.id])
  async keyFunctionOfTheFirst(dto: PayDto & { amount: number }, retry?: boolean): Promise<boolean> {
    return Promise.resolve(Boolean(dto.amount) && Boolean(retry));
  }

  @WithLock(() => 'pay')
  async keyFunctionOfNothing(dto: PayDto): Promise<string> {
    return Promise.resolve(dto.id);
  }

  @WithLock('order:<0>', { onUnavailable: (error, id: string) => `${error.code}:${id}`, timeout: '250ms', expire: 5 })
  async fallback(id: string): Promise<string> {
    return Promise.resolve(id);
  }
}

export class Refused {
  // @ts-expect-error neither a Promise nor an Observable
  @WithLock('order:<0>')
  synchronous(orderId: string): string {
    return orderId;
  }

  // @ts-expect-error neither a Promise nor an Observable
  @WithLock('order:<0>')
  nothing(): void {
    return;
  }

  // @ts-expect-error the key function takes another type
  @WithLock((dto: PayDto) => dto.id)
  async otherArgument(orderId: string): Promise<string> {
    return Promise.resolve(orderId);
  }

  // @ts-expect-error the key function wants an argument that the method does not have
  @WithLock((_first: string, second: PayDto) => second.id)
  async missingArgument(first: string): Promise<string> {
    return Promise.resolve(first);
  }

  // @ts-expect-error the method may be called without what the key function needs
  @WithLock((dto: PayDto) => dto.id)
  async optionalArgument(dto?: PayDto): Promise<string | undefined> {
    return Promise.resolve(dto?.id);
  }

  // @ts-expect-error a key is a string or an array of strings
  @WithLock((id: number) => id)
  async numericKey(id: number): Promise<number> {
    return Promise.resolve(id);
  }

  // @ts-expect-error a duration has one of four units
  @WithLock('a', { timeout: '5 minutes' })
  async badDuration(): Promise<void> {
    return Promise.resolve();
  }

  // @ts-expect-error only methods can be locked
  @WithLock('a')
  property = 1;
}
