import type { Payment } from '../payments/payment.js';

/** The payments of the demo, in a mixed-up order that is the same each time. */
export function planPayments(customers: number, each: number): Payment[] {
  const payments: Payment[] = [];
  for (let sequence = 1; sequence <= each; sequence += 1) {
    for (let customer = 1; customer <= customers; customer += 1) {
      const name = `customer-${customer}`;
      payments.push({ id: `${name}/${sequence}`, customer: name, sequence, cents: sequence * 10_007 + customer * 911 });
    }
  }
  // Move each payment a little further back.
  for (let index = 0; index < payments.length; index += 1) {
    const other = Math.min(payments.length - 1, index + ((index * 7) % 11));
    payments.splice(other, 0, ...payments.splice(index, 1));
  }
  return payments;
}
