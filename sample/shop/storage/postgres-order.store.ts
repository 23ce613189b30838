import type { Pool } from 'pg';
import { OrderStore, type Order } from './order.store.js';

export class PostgresOrderStore extends OrderStore {
  constructor(private readonly pool: Pool) {
    super();
  }

  async add(order: Order): Promise<void> {
    await this.pool.query('INSERT INTO shop_order VALUES ($1, $2, $3)', [order.id, order.sku, order]);
  }

  async list(): Promise<Order[]> {
    const { rows } = await this.pool.query<{ row: Order }>('SELECT row FROM shop_order');
    return rows.map(({ row }) => row);
  }

  async removeOf(sku: string): Promise<void> {
    await this.pool.query('DELETE FROM shop_order WHERE sku = $1', [sku]);
  }
}
