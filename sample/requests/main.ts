import { Controller, Module, Param, Post } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { LockExceptionFilter, LockingModule, LockRequest } from 'nestjs-locking';
import { setTimeout as delay } from 'node:timers/promises';
import 'reflect-metadata';

@Controller('orders')
class OrdersController {
  private readonly paid = new Set<string>();

  @Post(':id/payment')
  @LockRequest('order:<params.id>', { timeout: '250ms' })
  async pay(@Param('id') id: string): Promise<string> {
    if (this.paid.has(id)) return 'already paid';
    await delay(100); // the payment provider
    this.paid.add(id);
    return 'paid';
  }

  @Post(':id/report')
  @LockRequest('order:<params.id>', { timeout: '250ms' })
  async report(): Promise<string> {
    await delay(1000);
    return 'reported';
  }
}

@Module({
  imports: [LockingModule.forRoot()],
  controllers: [OrdersController],
  providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['warn', 'error'] });
await app.listen(0, '127.0.0.1');
const url = await app.getUrl();

async function post(path: string): Promise<void> {
  const response = await fetch(`${url}/orders/${path}`, { method: 'POST' });
  const retry = response.headers.get('retry-after');
  const answer = response.ok ? await response.text() : `try again after ${retry ?? '?'} s`;
  console.log(`POST /orders/${path}  ${response.status}  ${answer}`);
}

console.log('Three clients pay the same order at once:');
await Promise.all([post('42/payment'), post('42/payment'), post('42/payment')]);
console.log('\nA payment comes while a report takes a second:');
await Promise.all([post('42/report'), delay(100).then(async () => post('42/payment'))]);
await app.close();
