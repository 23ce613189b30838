import { describe, expect, it } from '@jest/globals';
import type { Entry } from '../../sample/payments/bank/entry.js';
import { audit } from '../../sample/payments/demo/audit.js';
import { planPayments } from '../../sample/payments/demo/plan.js';
import { judge } from '../../sample/payments/demo/verdict.js';

const plan = planPayments(2, 3);
const figures = { failed: 0, stalled: 1, putBack: 4, longestWait: 100 };
const LIMIT = 2;
const [KILLED, OTHER] = ['worker-1', 'worker-2'];

const entry = (part: Partial<Entry>): Entry => ({
  kind: 'charge',
  refused: false,
  at: 0,
  instance: OTHER,
  fencingToken: 10,
  ...part,
});

/** The ledger of a good run: the killed worker has begun the last payment, which another one charges. */
function goodLedger(): Entry[] {
  const inTurn = [...plan].sort((a, b) => a.sequence - b.sequence);
  const begun = entry({ ...inTurn.at(-1), kind: 'begin', instance: KILLED });
  return [
    entry({ kind: 'settlement', instance: KILLED, fencingToken: 1 }),
    begun,
    entry({ kind: 'settlement', instance: OTHER, fencingToken: 2 }),
    ...inTurn.flatMap((payment) => [entry({ ...payment, kind: 'begin' }), entry({ ...payment, fencingToken: 11 })]),
  ];
}

const verdictOn = (ledger: Entry[]) => {
  return judge(audit(plan, ledger, { instance: KILLED, ledgerLength: 2 }), figures, LIMIT);
};

const isCharge = ({ kind }: Entry): boolean => kind === 'charge';

describe('the plan of the demo', () => {
  it('the plan has each payment once, mixed up, and is the same each time', () => {
    const ids = planPayments(12, 5).map(({ id }) => id);
    expect(new Set(ids).size).toBe(60);
    expect(ids).toEqual(planPayments(12, 5).map(({ id }) => id));
    const sequences = planPayments(12, 5).map(({ sequence }) => sequence);
    expect(sequences).not.toEqual([...sequences].sort());
  });
});

describe('the verdict on the ledger of the payments', () => {
  it('the verdict passes a run in which everything was charged once and in order', () => {
    expect(verdictOn(goodLedger())).toEqual({
      ok: true,
      text: 'PASS: every payment was charged once, and in its turn.',
    });
  });

  it.each<[string, (ledger: Entry[]) => Entry[], RegExp]>([
    ['a charge is there twice', (all) => [...all, { ...all.find(isCharge)! }], /1 charged twice \(customer-1\/1\)/],
    ['a charge is missing', (all) => all.toSpliced(all.findIndex(isCharge), 1), /1 lost \(customer-1\/1\)/],
    [
      'the only charge of a payment was refused',
      (all) => all.map((each, index) => (index === all.findIndex(isCharge) ? { ...each, refused: true } : each)),
      /1 lost/,
    ],
    [
      'a worker charged a payment that is not in the plan',
      (all) => [...all, entry({ id: 'other/1' })],
      /1 charged that nobody/,
    ],
    [
      'two payments of a customer were charged in the wrong order',
      (all) => all.toReversed(),
      /charged before a predecessor/,
    ],
    [
      'too many were in flight',
      (all) => [...['a', 'b', 'c'].map((id) => entry({ kind: 'begin', id })), ...all],
      /charges were in flight, of 2 at most/,
    ],
    [
      'a leader settled after its term',
      (all) => [...all, entry({ kind: 'settlement', instance: KILLED, fencingToken: 1 })],
      /1 settlements were not by the leader alone/,
    ],
    [
      'two settled in one term',
      (all) => [...all, entry({ kind: 'settlement', instance: 'worker-3', fencingToken: 2 })],
      /1 settlements were not/,
    ],
    [
      'no worker took over',
      (all) => all.filter(({ kind, instance }) => kind !== 'settlement' || instance === KILLED),
      /nobody took the killed leader over/,
    ],
  ])('the verdict fails a run in which %s', (_, tamper, message) => {
    const { ok, text } = verdictOn(tamper(goodLedger()));
    expect(ok).toBe(false);
    expect(text).toMatch(message);
  });

  it.each([
    ['a job failed', { failed: 1 }, '1 jobs failed'],
    ['nothing stalled', { stalled: 0 }, 'no job that stalled'],
    ['nothing was put back', { putBack: 0 }, 'no job was put back'],
  ])('the verdict fails a run in which %s, whatever the ledger says', (_, part, message) => {
    const { ok, text } = judge(audit(plan, goodLedger()), { ...figures, ...part }, LIMIT);
    expect(ok).toBe(false);
    expect(text).toContain(message);
  });
});
