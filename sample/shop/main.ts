import { messageOf } from './demo/message-of.js';
import { startApp } from './start-app.js';
import { assertReachable } from './storage/open-stores.js';
import { describeStore, storeOfEnvironment } from './store.js';

try {
  const port = readPort();
  const store = storeOfEnvironment();
  await assertReachable(store);
  const url = await startApp(port, ['log', 'warn', 'error']);
  console.log(usage(url, describeStore(store)));
} catch (error) {
  console.error(`The shop did not start: ${messageOf(error)}`);
  process.exit(1);
}

function readPort(): number {
  const port = Number(process.env.PORT ?? 3000);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`PORT must be a number from 0 to 65535, not ${JSON.stringify(process.env.PORT)}`);
}

function usage(url: string, store: string): string {
  const json = `-H 'content-type: application/json'`;
  return `
The shop listens on ${url}; stock, orders and locks are in ${store}. Ctrl-C ends it.

  PUT    /stock/:sku        {quantity}                  set what is in stock
  GET    /stock/:sku                                    what is left
  DELETE /stock/:sku                                    forget the SKU and its orders
  POST   /orders            {sku, quantity, customer}   order, under @WithLock('stock:<0>')
  POST   /orders/unlocked   {sku, quantity, customer}   order, without a lock
  GET    /orders                                        all orders
  GET    /orders/summary                                orders and units of each SKU

  ${url}/locks    the dashboard: who holds what, and who waits
  ${url}/metrics  for Prometheus
  ${url}/health   whether it can lock

  npm run load:shop                                     orders without end, to see all of these at work

  curl -X PUT ${url}/stock/tea ${json} -d '{"quantity": 5}'
  curl ${url}/orders ${json} -d '{"sku": "tea", "quantity": 1, "customer": "Ada"}'
  curl ${url}/stock/tea
  curl ${url}/orders/summary
`;
}
