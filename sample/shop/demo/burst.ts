import { SoldOutException } from '../orders/sold-out.exception.js';
import { messageOf } from './message-of.js';
import { request } from './request.js';
import type { BurstResult } from './run-result.js';

interface Answer {
  readonly outcome: 'accepted' | 'soldOut' | 'failed';
  readonly failure?: string;
}

/** Sends `count` orders for one unit at once, spread over the instances in turn. */
export async function sendBurst(
  urls: readonly string[],
  path: string,
  sku: string,
  count: number,
): Promise<BurstResult> {
  const start = performance.now();
  const answers = await Promise.all(
    Array.from({ length: count }, async (_, i) =>
      order(`${urls[i % urls.length] ?? ''}${path}`, { sku, quantity: 1, customer: `customer-${i}` }),
    ),
  );
  const tookMs = performance.now() - start;
  const countOf = (outcome: Answer['outcome']): number => answers.filter((answer) => answer.outcome === outcome).length;
  return {
    sent: count,
    accepted: countOf('accepted'),
    soldOut: countOf('soldOut'),
    failed: countOf('failed'),
    firstFailure: answers.find(({ failure }) => failure !== undefined)?.failure,
    tookMs,
  };
}

async function order(url: string, body: object): Promise<Answer> {
  try {
    const { status, data } = await request('POST', url, body);
    if (status === 201) return { outcome: 'accepted' };
    const { code, message } = data as { code?: string; message?: string };
    if (code === SoldOutException.code) return { outcome: 'soldOut' };
    return { outcome: 'failed', failure: `${status} ${message ?? ''}` };
  } catch (error) {
    return { outcome: 'failed', failure: messageOf(error) };
  }
}
