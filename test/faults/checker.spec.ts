import { describe, expect, it } from '@jest/globals';
import { judge } from './rules/index.js';
import { end, fail, fault, grant, held, history, join, LEASE, write, type Script } from './support/write-history.js';

/** The rules that a history breaks. */
function broken(script: Script): string[] {
  return [...new Set(judge(history(script)).breaches.map(({ rule }) => rule))];
}

const allowedIn = (script: Script): unknown => judge(history(script)).allowed;

describe('a history without a breach', () => {
  it('processes that hold a key one after another break no rule', () => {
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...held(20, 30, 2, 3)], b: held(11, 19, 1, 2, 5) } })).toEqual(
      [],
    );
  });

  it('a frozen holder that goes on after another one has had the lock breaks no rule', () => {
    const a = [join(0, 1), grant(0, 1, 1), { e: 'lost', t: 2000, id: 1 } as const, end(2001, 1, 0)];
    const faults = [fault('worker frozen', 5, { to: 2000, victims: ['a'] })];
    expect(broken({ workers: { a, b: held(1000, 1010, 1, 2, 900) }, faults })).toEqual([]);
  });

  it('a holder that was killed breaks no rule', () => {
    const faults = [fault('worker killed', 50, { victims: ['a'] })];
    expect(
      broken({
        workers: { a: [join(0, 1), grant(0, 1, 1)], b: held(1001, 1010, 1, 2, 900) },
        faults,
        killed: { a: 50 },
      }),
    ).toEqual([]);
  });
});

describe('a dark connection', () => {
  const kept = (dark: number): Script => ({
    workers: { a: held(0, 10, 1, 1) },
    faults: [fault('connections dark', 20, { to: 20 + dark, dark })],
  });

  it('a dark connection is found if it is kept for longer than a call and its replacement may take', () => {
    expect(broken(kept(18_000))).toEqual(['dark connection kept']);
  });

  it('a dark connection that is replaced in time is no breach', () => {
    expect(broken(kept(14_000))).toEqual([]);
  });
});

describe('a machine that was suspended', () => {
  const suspended = { e: 'block', t: 5, ms: 2000, inside: true, suspended: true } as const;
  const other = held(1000, 1010, 1, 2, 900);

  it('after a suspension, a holder that still believes in its lock is found', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, end(2006, 1, 980)];
    expect(broken({ workers: { a, b: other } })).toContain('two holders at once');
  });

  it('after a suspension, a lock that is not held and whose job ends before the store has answered is no breach', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, end(2006, 1, 0)];
    expect(broken({ workers: { a, b: other } })).toEqual([]);
  });

  it('after a suspension, a job that goes on for long without its signal is found', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, end(4106, 1, 0)];
    expect(broken({ workers: { a, b: other } })).toContain('signal not aborted');
  });

  it('after a suspension, a holder that knows of its loss is no breach', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, { e: 'lost', t: 2006, id: 1 } as const, end(2006, 1, 0)];
    expect(broken({ workers: { a, b: other } })).toEqual([]);
  });
});

describe('two holders at once', () => {
  const rule = 'two holders at once';

  it('two holders are found if one begins before the other has ended', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(9, 19, 1, 2) } })).toEqual([rule]);
  });

  it('two holders are found if one is frozen and its lease was still good by its own knowledge', () => {
    const a = [join(0, 1), grant(0, 1, 1), { e: 'lost', t: 2000, id: 1 } as const, end(2001, 1, 0)];
    const faults = [fault('worker frozen', 5, { to: 2000, victims: ['a'] })];
    expect(broken({ workers: { a, b: held(900, 910, 1, 2, 800) }, faults })).toEqual([rule]);
  });

  it('two holders are found if a killed one was not dead yet', () => {
    expect(broken({ workers: { a: [join(0, 1), grant(0, 1, 1)], b: held(49, 60, 1, 2) }, killed: { a: 50 } })).toEqual([
      rule,
    ]);
  });

  it('two holders are found if a leader goes on to believe that it leads', () => {
    const believes = { e: 'leads', t: 1500, id: 1 } as const;
    const a = [join(0, 1, { call: 'leader' }), grant(0, 1, 1), { e: 'lost', t: 980, id: 1 } as const, end(981, 1, 0)];
    const b = held(1490, 1600, 1, 2, 900);
    expect(broken({ workers: { a, b } })).toEqual([]);
    expect(broken({ workers: { a: [...a, believes], b } })).toEqual([rule]);
  });

  it('two holders are found although a third one lies in between', () => {
    expect(
      broken({ workers: { a: held(0, 500, 1, 1), b: [...held(100, 101, 1, 2), ...held(400, 401, 2, 3)] } }),
    ).toEqual([rule]);
  });

  it('two holders are allowed after a flush, for a lease that was granted before it', () => {
    const script = {
      workers: { a: held(0, 30, 1, 1), b: held(15, 20, 1, 2) },
      faults: [fault('store flushed', 10, { to: 11, loses: { since: -Infinity, until: 11 } })],
    };
    expect(broken(script)).toEqual([]);
    expect(allowedIn(script)).toEqual({ [rule]: { 'store flushed': 1 } });
  });

  it('two holders are not allowed after a flush for a lease that was granted after it', () => {
    const faults = [fault('store flushed', 10, { to: 11, loses: { since: -Infinity, until: 11 } })];
    expect(broken({ workers: { a: held(14, 30, 1, 1), b: held(15, 20, 1, 2) }, faults })).toEqual([rule]);
  });

  it('two holders are not allowed after a flush for a lease that was renewed after it', () => {
    const renewed = { e: 'seen', t: 400, id: 1, left: LEASE - 100 } as const;
    const a = [join(0, 1), grant(0, 1, 1), renewed, end(600, 1, 600)];
    const faults = [fault('store flushed', 10, { to: 11, loses: { since: -Infinity, until: 11 } })];
    expect(broken({ workers: { a, b: held(500, 510, 1, 2) }, faults })).toEqual([rule]);
  });

  it('two holders are not allowed after a failover for a lease that was granted long before it', () => {
    const faults = [fault('planned failover', 5000, { to: 5500, elected: 5200, loses: { since: 4000, until: 5500 } })];
    const since = (from: number): Script => ({
      workers: { a: [join(from, 1), grant(from, 1, 1, 6100 - from), end(6000, 1, 100)], b: held(5900, 5910, 1, 2) },
      faults,
    });
    // By its deadline at 6100 the trust of `a` rests on a request sent at 5112.
    expect(broken(since(4500))).toEqual([]);
    const old = {
      ...since(4500),
      faults: [fault('planned failover', 5700, { to: 5800, loses: { since: 5600, until: 5800 } })],
    };
    expect(broken(old)).toEqual([rule]);
  });
});

describe('tokens out of order', () => {
  const rule = 'tokens out of order';

  it('tokens out of order are found if a later grant has a smaller token', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 2), b: held(11, 19, 1, 1) } })).toEqual([rule]);
  });

  it('tokens out of order are found if two grants have the same token', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(11, 19, 1, 1) } })).toContain(rule);
  });

  it('tokens out of order are found if a late grant, over when it began, repeats a token', () => {
    const b = [join(40, 1), grant(2000, 1, 1, 0), { e: 'lost', t: 2000, id: 1 } as const, end(2001, 1, 0)];
    const faults = [fault('worker frozen', 50, { to: 2000, victims: ['b'] })];
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...held(20, 30, 2, 2)], b }, faults })).toEqual([rule]);
  });
});

describe('stale writes', () => {
  const rule = 'stale writes';
  const workers = { a: held(0, 10, 1, 1), b: held(11, 19, 1, 2) };

  it('a stale write is found if it is accepted after one with a greater token', () => {
    const writes = [write(12, 'b', 1, 2, {}), write(13, 'a', 1, 1, { plain: false })];
    expect(broken({ workers, writes })).toEqual([rule]);
  });

  it('a stale write is found if an update is lost in spite of fencing', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 1, { fenced: false })] })).toEqual([rule]);
  });

  it('a write of a holder that is refused is found', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 1, { accepted: false })] })).toEqual([rule]);
  });

  it('stale writes are found if two holders write with the same token', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 2, {}), write(15, 'b', 1, 2, {})] })).toEqual([rule]);
  });

  it('a lost update without fencing is found if no write was late', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 1, {}), write(15, 'b', 1, 2, { plain: false })] })).toEqual([
      rule,
    ]);
  });

  it('a stale write is no breach if it is refused, nor if it overwrites the counter without fencing', () => {
    const writes = [write(12, 'b', 1, 2, {}), write(13, 'a', 1, 1, { accepted: false, fenced: false, plain: false })];
    expect(broken({ workers, writes })).toEqual([]);
  });
});

describe('waiters passed over', () => {
  it('a waiter of a process that goes before an earlier one is found', () => {
    const a = [join(0, 1), ...held(10, 11, 2, 1, 5), grant(12, 1, 2), end(13, 1)];
    expect(broken({ workers: { a } })).toEqual(['passed over within a process']);
  });

  const others = (times: number) =>
    Array.from({ length: times }, (_, i) => held(300 + 10 * i, 309 + 10 * i, i + 2, i + 1)).flat();

  it('a process that has the key beyond its budget while another one waits is found', () => {
    const b = held(2000, 2010, 1, 1000, 0);
    expect(broken({ workers: { a: others(100), b } })).toEqual(['passed over beyond the budget']);
    expect(broken({ workers: { a: others(60), b: held(900, 910, 1, 1000, 0) } })).toEqual([]);
  });

  it('the budget is not judged while a fault has its effects', () => {
    const faults = [fault('connections cut', 500, { to: 800, victims: ['b'] })];
    expect(broken({ workers: { a: others(100), b: held(1400, 1410, 1, 1000, 0) }, faults })).toEqual([]);
  });
});

describe('a recovery that is too slow', () => {
  const killedHolder = (next: number): Script => ({
    workers: { a: [join(0, 1), grant(0, 1, 1)], b: held(next, next + 10, 1, 2, 20) },
    faults: [fault('worker killed', 50, { victims: ['a'] })],
    killed: { a: 50 },
  });

  it('a slow recovery is found after a holder was killed', () => {
    expect(broken(killedHolder(50 + LEASE + 1000 + 2001))).toContain('recovery too slow');
    expect(broken(killedHolder(50 + LEASE + 1000 + 1999))).toEqual([]);
  });

  it('the recovery is measured from the fault to the next grant', () => {
    expect(judge(history(killedHolder(1040))).recovery).toEqual({ 'worker killed': 990 });
  });

  it('the recovery is measured from when the store can be reached again', () => {
    const faults = [fault('server restarted with its data', 100, { to: 900 })];
    const script = { workers: { a: held(1200, 1210, 1, 1, 200) }, faults };
    expect(judge(history(script)).recovery).toEqual({ 'server restarted with its data': 300 });
  });

  it('the recovery counts from when a caller waits for the key', () => {
    const faults = [fault('scripts flushed', 100)];
    expect(judge(history({ workers: { a: held(9000, 9010, 1, 1, 8990) }, faults })).recovery).toEqual({
      'scripts flushed': 10,
    });
  });

  it('the recovery does not count the job of a healthy holder', () => {
    const faults = [fault('scripts flushed', 100)];
    const workers = { a: held(0, 900, 1, 1), b: held(905, 910, 1, 2, 50) };
    expect(judge(history({ workers, faults })).recovery).toEqual({ 'scripts flushed': 5 });
  });
});

describe('a free key that is not granted', () => {
  it('a free key that is not granted is found if there was no fault', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(3100, 3110, 1, 2, 5) } })).toEqual([
      'free key not granted',
    ]);
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(2900, 2910, 1, 2, 5) } })).toEqual([]);
  });

  it('a free key without waiters is no breach', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(3100, 3110, 1, 2) } })).toEqual([]);
  });
});

describe('a call that timed out without reason', () => {
  const rule = 'timed out without reason';
  const refused = (from: number, to: number, timeout: number) => [
    join(from, 9, { call: 'short', timeout }),
    fail(to, 9, 'LOCK_TIMEOUT'),
  ];

  it('a timeout is found if the key was free', () => {
    const a = held(0, 10, 1, 1);
    expect(broken({ workers: { a, b: refused(100, 1300, 1200) } })).toEqual([rule]);
    expect(broken({ workers: { a: held(0, 900, 1, 1), b: refused(100, 1300, 1200) } })).toEqual([]);
  });

  it('a timeout is found if it was too early', () => {
    expect(broken({ workers: { a: held(0, 900, 1, 1), b: refused(100, 700, 1200) } })).toEqual([rule]);
  });

  it('a timeout is found if the call had more than enough time', () => {
    const b = [join(0, 1), fail(20_000, 1, 'LOCK_TIMEOUT')];
    const script = { workers: { a: held(0, 10, 1, 1), b }, faults: [fault('connections cut', 500)] };
    expect(broken(script)).toContain(rule);
    expect(broken({ ...script, rest: { inTurn: false } })).not.toContain(rule);
  });
});

const STRICKEN = 'the process could not reach the store, or stood still, for most of the wait';

describe('a lock that is lost before its job begins', () => {
  const call = [join(0, 1), fail(3000, 1, 'LOCK_LOST')];
  const b = held(0, 1, 1, 1);

  it('a lock lost before its job begins is no breach if its process stood still', () => {
    const a = [join(0, 1), { e: 'lag', t: 2990, ms: 2000 } as const, fail(3000, 1, 'LOCK_LOST')];
    expect(broken({ workers: { a, b } })).toEqual([]);
  });

  it('a lock lost before its job begins is found if its process had no fault', () => {
    const faults = [fault('worker killed', 2500, { victims: ['c'] })];
    expect(broken({ workers: { a: call, b }, faults })).toEqual(['error without reason']);
  });
});

describe('a wait of 20 s', () => {
  const gaveUp = { a: [join(0, 1), fail(20_001, 1, 'LOCK_TIMEOUT')], b: held(0, 1, 1, 1) };
  const dark = (to: number) => fault('connections dark', 500, { to, victims: ['a'], dark: 1 });

  it('a wait of 20 s is found although its process was cut off for a while', () => {
    expect(broken({ workers: gaveUp, faults: [dark(5000)] })).toContain('timed out without reason');
  });

  it('a wait of 20 s is no breach if its process was cut off for most of it', () => {
    const script = { workers: gaveUp, faults: [dark(15_000)] };
    expect(broken(script)).toEqual([]);
    expect(allowedIn(script)).toEqual({ 'timed out without reason': { [STRICKEN]: 1 } });
  });
});

describe('a job without a lock', () => {
  const a = [join(0, 1), grant(10, 1, 1, 0), { e: 'lost', t: 10, id: 1 } as const, end(20, 1, 0)];

  it('is found', () => {
    expect(broken({ workers: { a, b: held(30, 40, 1, 2) } })).toEqual(['job without a lock']);
  });

  it('a job without a lock is allowed if its process stood still before its first line', () => {
    const faults = [fault('worker frozen', 5, { to: 9, victims: ['a'] })];
    expect(broken({ workers: { a, b: held(30, 40, 1, 2) }, faults })).toEqual([]);
  });
});

describe('a signal that does not abort', () => {
  const rule = 'signal not aborted';

  it('a missing abort is found if the lease expired during a job', () => {
    expect(broken({ workers: { a: [join(0, 1), grant(0, 1, 1), end(1200, 1, 0)] } })).toEqual([rule]);
  });

  it('a late abort is found', () => {
    const late = (t: number) => [join(0, 1), grant(0, 1, 1), { e: 'lost', t, id: 1 } as const, end(4000, 1, 0)];
    expect(broken({ workers: { a: late(3500) } })).toEqual([rule]);
    expect(broken({ workers: { a: late(990) } })).toEqual([]);
  });
});

describe('an error without reason', () => {
  const rule = 'error without reason';
  const failing = (code: string): Script => ({
    workers: { a: [...held(0, 10, 1, 1), join(20, 2), fail(30, 2, code)] },
  });

  it('an error is found if there was no fault', () => {
    expect(broken(failing('LOCK_BACKEND'))).toEqual([rule]);
    expect(broken(failing('LOCK_LOST'))).toEqual([rule]);
    expect(broken({ ...failing('LOCK_BACKEND'), faults: [fault('connections cut', 15, { to: 25 })] })).toEqual([]);
  });

  it('an error is no breach if the call had hardly any time', () => {
    const impatient = (timeout: number) => [
      join(20, 2, { call: 'short', timeout }),
      fail(20 + timeout, 2, 'LOCK_BACKEND'),
    ];
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...impatient(30)] } })).toEqual([]);
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...impatient(1500)] } })).toEqual([rule]);
  });

  it('an undocumented error is found', () => {
    expect(broken({ ...failing('TypeError'), faults: [fault('connections cut', 15, { to: 25 })] })).toEqual([rule]);
  });
});

describe('keys, processes and calls that are left at the end', () => {
  const rule = 'not at rest in the end';
  const workers = { a: held(0, 10, 1, 1) };

  it('is found', () => {
    expect(broken({ workers, rest: { leftKeys: ['lock:k'] } })).toEqual([rule]);
    expect(broken({ workers, rest: { problems: ['worker a did not finish its calls'] } })).toEqual([rule]);
    expect(broken({ workers: { a: [join(0, 1), fail(1, 1, 'LOCK_TIMEOUT')] } })).toContain(rule);
  });
});

/** A run has grants of locks, too. */
const other = held(0, 10, 1, 1);

describe('payments', () => {
  const rule = 'a payment with two results';
  const charged = (t: number, u: number, run: string) => ({ e: 'charged', t, u, key: 'p', run }) as const;
  const charging = (t: number, run: string) => ({ e: 'charging', t, key: 'p', run }) as const;

  it('a payment of which all calls get one result is no breach, although it was begun twice', () => {
    const a = [charging(10, '1')];
    const b = [charging(2000, '2'), charged(1990, 2010, '2'), charged(3000, 3010, '2')];
    expect(broken({ workers: { other, a, b } })).toEqual([]);
  });

  it('a second result of a payment is found', () => {
    const a = [charging(10, '1'), charged(0, 50, '1')];
    const b = [charging(40, '2'), charged(30, 90, '2')];
    expect(broken({ workers: { other, a, b } })).toEqual([rule]);
  });

  it('a run that begins after a result was known is found', () => {
    const a = [charging(10, '1'), charged(0, 50, '1')];
    expect(broken({ workers: { other, a, b: [charging(60, '2')] } })).toEqual([rule]);
  });

  it('a second result is allowed if the store has lost the first one', () => {
    const faults = [fault('store flushed', 60, { loses: { since: 0, until: 60 } })];
    const b = [charging(80, '2'), charged(70, 90, '2')];
    const script = { workers: { other, a: [charging(10, '1'), charged(0, 50, '1')], b }, faults };
    expect(broken(script)).toEqual([]);
    expect(allowedIn(script)).toEqual({ [rule]: { 'store flushed': 2 } });
  });
});

describe('checkpoints', () => {
  const rule = 'an older checkpoint won';
  const loaded = (t: number, token: number, next: number) =>
    ({ e: 'loaded', t, u: t + 5, key: 'i', token, next }) as const;
  const saved = (t: number, token: number, next: number, accepted = true) =>
    ({ e: 'saved', t, u: t + 5, key: 'i', token, next, accepted }) as const;

  it('a holder that goes on where the one before has saved last is no breach', () => {
    const a = [loaded(0, 1, 0), saved(10, 1, 1), saved(20, 1, 2), saved(1000, 1, 3, false)];
    expect(broken({ workers: { other, a, b: [loaded(900, 2, 2), saved(910, 2, 3)] } })).toEqual([]);
  });

  it('a holder may load a save of which it is not known whether it was accepted', () => {
    const a = [loaded(0, 1, 0), saved(10, 1, 1, false)];
    expect(broken({ workers: { other, a, b: [loaded(900, 2, 1)] } })).toEqual([]);
    expect(broken({ workers: { other, a, b: [loaded(900, 2, 0)] } })).toEqual([]);
  });

  it('a load that misses an accepted save is found', () => {
    const a = [loaded(0, 1, 0), saved(10, 1, 1), saved(20, 1, 2)];
    expect(broken({ workers: { other, a, b: [loaded(900, 2, 1)] } })).toEqual([rule]);
    // Under way at the same time, it may have come first.
    expect(broken({ workers: { other, a, b: [loaded(24, 2, 1)] } })).toEqual([]);
  });

  it('a save of a former holder that is accepted after the next one has loaded is found', () => {
    const a = [loaded(0, 1, 0), saved(910, 1, 1)];
    expect(broken({ workers: { other, a, b: [loaded(900, 2, 0)] } })).toEqual([rule]);
    expect(broken({ workers: { other, a, b: [loaded(907, 2, 0)] } })).toEqual([]);
  });

  it('what the store has lost is no breach', () => {
    const faults = [fault('store flushed', 500, { loses: { since: 0, until: 500 } })];
    const a = [loaded(0, 1, 0), saved(10, 1, 1)];
    expect(broken({ workers: { other, a, b: [loaded(900, 2, 0)] }, faults })).toEqual([]);
  });

  it('a loss while the load was under way is a reason, a later one is none', () => {
    const lostAt = (time: number) => [fault('store flushed', time, { loses: { since: 0, until: time } })];
    const workers = { other, a: [loaded(0, 1, 0), saved(10, 1, 1)], b: [loaded(900, 2, 0)] };
    expect(broken({ workers, faults: lostAt(903) })).toEqual([]);
    expect(broken({ workers, faults: lostAt(906) })).toEqual([rule]);
  });
});
