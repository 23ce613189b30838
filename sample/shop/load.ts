/** `npm run load:shop [-- URL ...]`: customers who order without end from shops that run, until Ctrl-C. */
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from './demo/message-of.js';
import { expectOk, request } from './demo/request.js';

/** What customers want, the first SKU most of all: there the queue is. */
const SKUS = ['tea', 'tea', 'tea', 'coffee', 'coffee', 'cocoa', 'milk', 'sugar'];
const CUSTOMERS = 24;
const IN_STOCK = 1_000_000;
const REPORT_MS = 5_000;

const given = process.argv.slice(2);
const urls = given.length > 0 ? given : [`http://127.0.0.1:${process.env.PORT ?? 3000}`];
const counts = { accepted: 0, failed: 0 };

const anyOf = (list: readonly string[]): string => list[Math.floor(Math.random() * list.length)] ?? '';

async function customer(name: string): Promise<never> {
  for (;;) {
    try {
      const { status } = await request('POST', `${anyOf(urls)}/orders`, {
        sku: anyOf(SKUS),
        quantity: 1,
        customer: name,
      });
      counts[status === 201 ? 'accepted' : 'failed'] += 1;
    } catch {
      // A shop that restarts is back in a moment.
      counts.failed += 1;
      await delay(500);
    }
    await delay(Math.random() * 50);
  }
}

try {
  for (const sku of new Set(SKUS)) await expectOk('PUT', `${urls[0] ?? ''}/stock/${sku}`, { quantity: IN_STOCK });
} catch (error) {
  console.error(`No orders were sent to ${urls.join(', ')}: ${messageOf(error)}. npm run start:shop starts a shop.`);
  process.exit(1);
}
for (let i = 1; i <= CUSTOMERS; i += 1) void customer(`customer-${i}`);
console.log(`${CUSTOMERS} customers order from ${urls.join(', ')}. Ctrl-C ends it.`);
setInterval(() => {
  console.log(`${counts.accepted} orders accepted, ${counts.failed} failed`);
}, REPORT_MS);
