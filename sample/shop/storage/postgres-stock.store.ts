import type { Pool } from 'pg';
import { StockStore } from './stock.store.js';

export class PostgresStockStore extends StockStore {
  constructor(private readonly pool: Pool) {
    super();
  }

  async read(sku: string): Promise<number | undefined> {
    const { rows } = await this.pool.query<{ quantity: number }>('SELECT quantity FROM shop_stock WHERE sku = $1', [
      sku,
    ]);
    return rows[0]?.quantity;
  }

  // A plain write. `quantity - 1` would suffice for one counter, but not for a real stock with reservations and checks.
  async write(sku: string, quantity: number): Promise<void> {
    const sql = 'INSERT INTO shop_stock VALUES ($1, $2) ON CONFLICT (sku) DO UPDATE SET quantity = excluded.quantity';
    await this.pool.query(sql, [sku, quantity]);
  }

  async remove(sku: string): Promise<void> {
    await this.pool.query('DELETE FROM shop_stock WHERE sku = $1', [sku]);
  }
}
