import { randomUUID } from 'node:crypto';
import type { OrderSummary } from '../orders/order-summary.js';
import type { StockView } from '../stock/stock.controller.js';
import { sendBurst } from './burst.js';
import { expectOk, request } from './request.js';
import type { RunResult } from './run-result.js';

/** Puts units in stock, sends the burst to `path`, and looks at the books afterwards. */
export async function runBurst(
  urls: readonly string[],
  path: string,
  { inStock, orders }: { inStock: number; orders: number },
): Promise<RunResult> {
  const [url = ''] = urls;
  // A new SKU for each run: other applications may use the same Redis.
  const sku = `demo-${randomUUID()}`;
  await expectOk('PUT', `${url}/stock/${sku}`, { quantity: inStock });
  try {
    const burst = await sendBurst(urls, path, sku, orders);
    const { quantity: left } = await expectOk<StockView>('GET', `${url}/stock/${sku}`);
    const summary = await expectOk<OrderSummary[]>('GET', `${url}/orders/summary`);
    const recorded = summary.find((line) => line.sku === sku)?.units ?? 0;
    return { ...burst, inStock, recorded, left };
  } finally {
    await expectOk('DELETE', `${url}/stock/${sku}`);
  }
}

/** Opens the connections and lets the compiler see the code, so that the first run is not slower than the second. */
export async function warmUp(urls: readonly string[], orders: number): Promise<void> {
  await Promise.all(
    Array.from({ length: orders }, async (_, i) =>
      request('POST', `${urls[i % urls.length] ?? ''}/orders/unlocked`, {
        sku: 'none',
        quantity: 1,
        customer: 'nobody',
      }),
    ),
  );
}
