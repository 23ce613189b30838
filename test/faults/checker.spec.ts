import { describe, expect, it } from '@jest/globals';
import { judge } from './rules/index.js';
import { end, fail, fault, grant, held, history, join, LEASE, write, type Script } from './support/write-history.js';

/** The rules that a history breaks. */
function broken(script: Script): string[] {
  return [...new Set(judge(history(script)).breaches.map(({ rule }) => rule))];
}

const allowedIn = (script: Script): unknown => judge(history(script)).allowed;

describe('a history without a breach', () => {
  it('of processes in turn', () => {
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...held(20, 30, 2, 3)], b: held(11, 19, 1, 2, 5) } })).toEqual(
      [],
    );
  });

  it('of a holder that was frozen, and went on after somebody else had had the lock', () => {
    const a = [join(0, 1), grant(0, 1, 1), { e: 'lost', t: 2000, id: 1 } as const, end(2001, 1, 0)];
    const faults = [fault('worker frozen', 5, { to: 2000, victims: ['a'] })];
    expect(broken({ workers: { a, b: held(1000, 1010, 1, 2, 900) }, faults })).toEqual([]);
  });

  it('of a holder that was killed', () => {
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

  it('is found where it is kept for longer than a call and its replacement may take', () => {
    expect(broken(kept(18_000))).toEqual(['dark connection kept']);
  });

  it('is no breach where it is replaced in time', () => {
    expect(broken(kept(14_000))).toEqual([]);
  });
});

describe('a machine that was suspended', () => {
  const suspended = { e: 'block', t: 5, ms: 2000, inside: true, suspended: true } as const;
  const other = held(1000, 1010, 1, 2, 900);

  it('is found where its holder still believes, as its own clock stood still', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, end(2006, 1, 980)];
    expect(broken({ workers: { a, b: other } })).toContain('two holders at once');
  });

  it('is no breach where its lock is not held when it wakes, and its job ends before the store has said why', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, end(2006, 1, 0)];
    expect(broken({ workers: { a, b: other } })).toEqual([]);
  });

  it('is found where its job goes on for long and is not told', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, end(4106, 1, 0)];
    expect(broken({ workers: { a, b: other } })).toContain('signal not aborted');
  });

  it('is no breach where its holder knows when it wakes', () => {
    const a = [join(0, 1), grant(0, 1, 1), suspended, { e: 'lost', t: 2006, id: 1 } as const, end(2006, 1, 0)];
    expect(broken({ workers: { a, b: other } })).toEqual([]);
  });
});

describe('two holders at once', () => {
  const rule = 'two holders at once';

  it('are found where one begins before the other has ended', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(9, 19, 1, 2) } })).toEqual([rule]);
  });

  it('are found where one is frozen, and its lease was still good as far as it knew', () => {
    const a = [join(0, 1), grant(0, 1, 1), { e: 'lost', t: 2000, id: 1 } as const, end(2001, 1, 0)];
    const faults = [fault('worker frozen', 5, { to: 2000, victims: ['a'] })];
    expect(broken({ workers: { a, b: held(900, 910, 1, 2, 800) }, faults })).toEqual([rule]);
  });

  it('are found where a killed holder was not dead yet', () => {
    expect(broken({ workers: { a: [join(0, 1), grant(0, 1, 1)], b: held(49, 60, 1, 2) }, killed: { a: 50 } })).toEqual([
      rule,
    ]);
  });

  it('are found where a leader goes on to believe that it leads', () => {
    const believes = { e: 'leads', t: 1500, id: 1 } as const;
    const a = [join(0, 1, { call: 'leader' }), grant(0, 1, 1), { e: 'lost', t: 980, id: 1 } as const, end(981, 1, 0)];
    const b = held(1490, 1600, 1, 2, 900);
    expect(broken({ workers: { a, b } })).toEqual([]);
    expect(broken({ workers: { a: [...a, believes], b } })).toEqual([rule]);
  });

  it('are found though a third one lies in between', () => {
    expect(
      broken({ workers: { a: held(0, 500, 1, 1), b: [...held(100, 101, 1, 2), ...held(400, 401, 2, 3)] } }),
    ).toEqual([rule]);
  });

  it('are allowed after a flush, for a lease that was taken before it', () => {
    const script = {
      workers: { a: held(0, 30, 1, 1), b: held(15, 20, 1, 2) },
      faults: [fault('store flushed', 10, { to: 11, loses: { since: -Infinity, until: 11 } })],
    };
    expect(broken(script)).toEqual([]);
    expect(allowedIn(script)).toEqual({ [rule]: { 'store flushed': 1 } });
  });

  it('are not allowed after a flush for a lease that was taken after it', () => {
    const faults = [fault('store flushed', 10, { to: 11, loses: { since: -Infinity, until: 11 } })];
    expect(broken({ workers: { a: held(14, 30, 1, 1), b: held(15, 20, 1, 2) }, faults })).toEqual([rule]);
  });

  it('are not allowed after a flush for a lease that was renewed after it', () => {
    const renewed = { e: 'seen', t: 400, id: 1, left: LEASE - 100 } as const;
    const a = [join(0, 1), grant(0, 1, 1), renewed, end(600, 1, 600)];
    const faults = [fault('store flushed', 10, { to: 11, loses: { since: -Infinity, until: 11 } })];
    expect(broken({ workers: { a, b: held(500, 510, 1, 2) }, faults })).toEqual([rule]);
  });

  it('are not allowed after a failover for a lease that was taken long before it', () => {
    const faults = [fault('planned failover', 5000, { to: 5500, elected: 5200, loses: { since: 4000, until: 5500 } })];
    const since = (from: number): Script => ({
      workers: { a: [join(from, 1), grant(from, 1, 1, 6100 - from), end(6000, 1, 100)], b: held(5900, 5910, 1, 2) },
      faults,
    });
    // By its deadline at 6100 the trust of `a` rests on a question sent at 5112.
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

  it('are found where a later grant has a smaller one', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 2), b: held(11, 19, 1, 1) } })).toEqual([rule]);
  });

  it('are found where two grants have the same', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(11, 19, 1, 1) } })).toContain(rule);
  });

  it('are found where the same comes again long after, from a grant that was over when it began', () => {
    const b = [join(40, 1), grant(2000, 1, 1, 0), { e: 'lost', t: 2000, id: 1 } as const, end(2001, 1, 0)];
    const faults = [fault('worker frozen', 50, { to: 2000, victims: ['b'] })];
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...held(20, 30, 2, 2)], b }, faults })).toEqual([rule]);
  });
});

describe('stale writes', () => {
  const rule = 'stale writes';
  const workers = { a: held(0, 10, 1, 1), b: held(11, 19, 1, 2) };

  it('are found where one is accepted after that of a greater token', () => {
    const writes = [write(12, 'b', 1, 2, {}), write(13, 'a', 1, 1, { plain: false })];
    expect(broken({ workers, writes })).toEqual([rule]);
  });

  it('are found where an update is lost in spite of fencing', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 1, { fenced: false })] })).toEqual([rule]);
  });

  it('are found where a holder is refused', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 1, { accepted: false })] })).toEqual([rule]);
  });

  it('are found where two holders write with the same token', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 2, {}), write(15, 'b', 1, 2, {})] })).toEqual([rule]);
  });

  it('are found where an update without fencing is lost, and nobody wrote late', () => {
    expect(broken({ workers, writes: [write(9, 'a', 1, 1, {}), write(15, 'b', 1, 2, { plain: false })] })).toEqual([
      rule,
    ]);
  });

  it('are no breach where they are refused, nor where they overwrite what is not fenced', () => {
    const writes = [write(12, 'b', 1, 2, {}), write(13, 'a', 1, 1, { accepted: false, fenced: false, plain: false })];
    expect(broken({ workers, writes })).toEqual([]);
  });
});

describe('passed over', () => {
  it('within a process is found where who came later goes first', () => {
    const a = [join(0, 1), ...held(10, 11, 2, 1, 5), grant(12, 1, 2), end(13, 1)];
    expect(broken({ workers: { a } })).toEqual(['passed over within a process']);
  });

  const others = (times: number) =>
    Array.from({ length: times }, (_, i) => held(300 + 10 * i, 309 + 10 * i, i + 2, i + 1)).flat();

  it('beyond the budget is found where another process has the key again and again', () => {
    const b = held(2000, 2010, 1, 1000, 0);
    expect(broken({ workers: { a: others(100), b } })).toEqual(['passed over beyond the budget']);
    expect(broken({ workers: { a: others(60), b: held(900, 910, 1, 1000, 0) } })).toEqual([]);
  });

  it('is not judged while a fault has its effects', () => {
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

  it('is found after a holder was killed', () => {
    expect(broken(killedHolder(50 + LEASE + 1000 + 2001))).toContain('recovery too slow');
    expect(broken(killedHolder(50 + LEASE + 1000 + 1999))).toEqual([]);
  });

  it('is measured from the fault to the next grant', () => {
    expect(judge(history(killedHolder(1040))).recovery).toEqual({ 'worker killed': 990 });
  });

  it('is measured from when the store can be reached again', () => {
    const faults = [fault('server restarted with its data', 100, { to: 900 })];
    const script = { workers: { a: held(1200, 1210, 1, 1, 200) }, faults };
    expect(judge(history(script)).recovery).toEqual({ 'server restarted with its data': 300 });
  });

  it('counts from when somebody wants the key', () => {
    const faults = [fault('scripts flushed', 100)];
    expect(judge(history({ workers: { a: held(9000, 9010, 1, 1, 8990) }, faults })).recovery).toEqual({
      'scripts flushed': 10,
    });
  });

  it('does not count what a healthy holder took for its job', () => {
    const faults = [fault('scripts flushed', 100)];
    const workers = { a: held(0, 900, 1, 1), b: held(905, 910, 1, 2, 50) };
    expect(judge(history({ workers, faults })).recovery).toEqual({ 'scripts flushed': 5 });
  });
});

describe('a free key that is not granted', () => {
  it('is found where nothing is wrong', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(3100, 3110, 1, 2, 5) } })).toEqual([
      'free key not granted',
    ]);
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(2900, 2910, 1, 2, 5) } })).toEqual([]);
  });

  it('is none where nobody waits', () => {
    expect(broken({ workers: { a: held(0, 10, 1, 1), b: held(3100, 3110, 1, 2) } })).toEqual([]);
  });
});

describe('a call that timed out without reason', () => {
  const rule = 'timed out without reason';
  const refused = (from: number, to: number, timeout: number) => [
    join(from, 9, { call: 'short', timeout }),
    fail(to, 9, 'LOCK_TIMEOUT'),
  ];

  it('is found where the key was free', () => {
    const a = held(0, 10, 1, 1);
    expect(broken({ workers: { a, b: refused(100, 1300, 1200) } })).toEqual([rule]);
    expect(broken({ workers: { a: held(0, 900, 1, 1), b: refused(100, 1300, 1200) } })).toEqual([]);
  });

  it('is found where it was too early', () => {
    expect(broken({ workers: { a: held(0, 900, 1, 1), b: refused(100, 700, 1200) } })).toEqual([rule]);
  });

  it('is found where it had all the time in the world', () => {
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

  it('is no breach where its process stood still', () => {
    const a = [join(0, 1), { e: 'lag', t: 2990, ms: 2000 } as const, fail(3000, 1, 'LOCK_LOST')];
    expect(broken({ workers: { a, b } })).toEqual([]);
  });

  it('is found where nothing happened to its process', () => {
    const faults = [fault('worker killed', 2500, { victims: ['c'] })];
    expect(broken({ workers: { a: call, b }, faults })).toEqual(['error without reason']);
  });
});

describe('a wait of 20 s', () => {
  const gaveUp = { a: [join(0, 1), fail(20_001, 1, 'LOCK_TIMEOUT')], b: held(0, 1, 1, 1) };
  const dark = (to: number) => fault('connections dark', 500, { to, victims: ['a'], dark: 1 });

  it('is found also where its process was cut off for a while', () => {
    expect(broken({ workers: gaveUp, faults: [dark(5000)] })).toContain('timed out without reason');
  });

  it('is no breach where its process was cut off for most of it', () => {
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

  it('is allowed where the process stood still before its first line', () => {
    const faults = [fault('worker frozen', 5, { to: 9, victims: ['a'] })];
    expect(broken({ workers: { a, b: held(30, 40, 1, 2) }, faults })).toEqual([]);
  });
});

describe('a signal that does not abort', () => {
  const rule = 'signal not aborted';

  it('is found where the lease ran out under a job', () => {
    expect(broken({ workers: { a: [join(0, 1), grant(0, 1, 1), end(1200, 1, 0)] } })).toEqual([rule]);
  });

  it('is found where it is late', () => {
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

  it('is found where nothing was wrong', () => {
    expect(broken(failing('LOCK_BACKEND'))).toEqual([rule]);
    expect(broken(failing('LOCK_LOST'))).toEqual([rule]);
    expect(broken({ ...failing('LOCK_BACKEND'), faults: [fault('connections cut', 15, { to: 25 })] })).toEqual([]);
  });

  it('is none where there was hardly any time to ask', () => {
    const impatient = (timeout: number) => [
      join(20, 2, { call: 'short', timeout }),
      fail(20 + timeout, 2, 'LOCK_BACKEND'),
    ];
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...impatient(30)] } })).toEqual([]);
    expect(broken({ workers: { a: [...held(0, 10, 1, 1), ...impatient(1500)] } })).toEqual([rule]);
  });

  it('is found where it is none of the documented ones', () => {
    expect(broken({ ...failing('TypeError'), faults: [fault('connections cut', 15, { to: 25 })] })).toEqual([rule]);
  });
});

describe('what is not at rest in the end', () => {
  const rule = 'not at rest in the end';
  const workers = { a: held(0, 10, 1, 1) };

  it('is found', () => {
    expect(broken({ workers, rest: { leftKeys: ['lock:k'] } })).toEqual([rule]);
    expect(broken({ workers, rest: { problems: ['worker a did not finish its calls'] } })).toEqual([rule]);
    expect(broken({ workers: { a: [join(0, 1), fail(1, 1, 'LOCK_TIMEOUT')] } })).toContain(rule);
  });
});
