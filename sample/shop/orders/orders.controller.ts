import { Body, Controller, Get, Post } from '@nestjs/common';
import { ParsePipe } from '../common/parse.pipe.js';
import type { Order } from '../storage/order.store.js';
import type { OrderSummary } from './order-summary.js';
import { OrdersService } from './orders.service.js';
import { parsePlaceOrder, PlaceOrderDto } from './place-order.dto.js';

const orderBody = new ParsePipe(parsePlaceOrder);

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post()
  async place(@Body(orderBody) { sku, quantity, customer }: PlaceOrderDto): Promise<Order> {
    return this.orders.place(sku, quantity, customer);
  }

  @Post('unlocked')
  async placeUnlocked(@Body(orderBody) { sku, quantity, customer }: PlaceOrderDto): Promise<Order> {
    return this.orders.placeUnlocked(sku, quantity, customer);
  }

  @Get()
  async list(): Promise<Order[]> {
    return this.orders.list();
  }

  @Get('summary')
  async summary(): Promise<OrderSummary[]> {
    return this.orders.summary();
  }
}
