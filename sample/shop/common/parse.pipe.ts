import type { PipeTransform } from '@nestjs/common';

/** Hands the handler what `parse` makes of the raw value; `parse` throws a `BadRequestException` for bad input. */
export class ParsePipe<T> implements PipeTransform<unknown, T> {
  constructor(private readonly parse: (value: unknown) => T) {}

  transform(value: unknown): T {
    return this.parse(value);
  }
}
