import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  Controller,
  Headers,
  HttpException,
  Post,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
} from '@nestjs/common';
import {
  catchError,
  first,
  from,
  map,
  Observable,
  of,
  race,
  retry,
  Subject,
  switchMap,
  takeUntil,
  throwError,
  type ObservableInput,
} from 'rxjs';
import { Idempotent, LockExceptionFilter, LockRequest } from '../../../lib/index.js';
import { Deferred, PLATFORMS, TestApp } from '../../requests/support.js';
import { eventually } from '../../support/poll.js';

/** For a machine that does much else, in milliseconds. */
const LONG = 60_000;

jest.setTimeout(2 * LONG);

/** One case: what its requests and its handler do. */
class Case {
  readonly gate = new Deferred();
  readonly over = new Subject<void>();
  /** The number of the request, for each run of the handler. */
  readonly runs: string[] = [];
  active = 0;
  most = 0;
  cut = 0;
  socket: { readonly destroyed: boolean } | undefined;

  begin(request: string): void {
    this.runs.push(request);
    this.active += 1;
    this.most = Math.max(this.most, this.active);
  }

  end(): void {
    this.active -= 1;
  }
}

const cases = new Map<string, Case>();
const caseOf = (context: ExecutionContext): Case =>
  cases.get(context.getArgByIndex<{ headers: Record<string, string> }>(0).headers['x-case']!)!;

type Change = (rest: Observable<unknown>, one: Case) => Observable<unknown>;

class TimedOut extends Error {}

const limit: Change = (rest, { over }) => race(rest, over.pipe(switchMap(() => throwError(() => new TimedOut()))));

const instead = (rest: Observable<unknown>, one: Case, answer: () => ObservableInput<unknown>): Observable<unknown> =>
  limit(rest, one).pipe(catchError((error: Error) => (error instanceof TimedOut ? answer() : throwError(() => error))));

/** What interceptors do to the rest of a request. */
const CHANGES: Readonly<Record<string, Change>> = {
  nothing: (rest) => rest,
  limit,
  unavailable: (rest, one) => instead(rest, one, () => throwError(() => new HttpException('late', 503))),
  pending: (rest, one) => instead(rest, one, () => of({ state: 'pending' })),
  stop: (rest, { over }) => rest.pipe(takeUntil(over)),
  wrap: (rest) => rest.pipe(map((data) => ({ data }))),
  retry: (rest) => rest.pipe(retry(1)),
  first: (rest) => rest.pipe(first()),
  limitAndRetry: (rest, one) => limit(rest, one).pipe(retry(1)),
};
const LIMITING = ['limit', 'unavailable', 'pending', 'stop', 'limitAndRetry'];

const promised = async (one: Case, request: string): Promise<object> => {
  one.begin(request);
  await one.gate.promise;
  one.end();
  return { run: one.runs.length };
};

const observed = (one: Case, request: string, last: () => ObservableInput<unknown>): Observable<unknown> =>
  new Observable((subscriber) => {
    one.begin(request);
    let isOver = false;
    const over = (): void => {
      if (!isOver) one.end();
      isOver = true;
    };
    void one.gate.promise.then(() => {
      if (isOver) return;
      over();
      from(last()).subscribe(subscriber);
    });
    return () => {
      if (!isOver) one.cut += 1;
      over();
    };
  });

const result = (one: Case) => of({ run: one.runs.length });
const refusal = () => throwError(() => new HttpException('refused', 422));

const HANDLERS: Readonly<Record<string, (one: Case, request: string) => unknown>> = {
  promise: promised,
  observable: (one, request) => observed(one, request, () => result(one)),
  'failing promise': async (one, request) =>
    promised(one, request).then(async () => Promise.reject(new Error('failed'))),
  'refusing Observable': (one, request) => observed(one, request, refusal),
};

/** The layers around a handler, from the outermost: idempotency, lock, and another interceptor. */
const STACKS = ['xi', 'ix', 'xil', 'ixl', 'ilx', 'xli', 'lxi', 'lix'];

interface Route {
  readonly name: string;
  readonly stack: string;
  readonly change: string;
}

const ROUTES: readonly Route[] = STACKS.flatMap((stack) =>
  Object.keys(CHANGES).map((change) => ({ name: `${stack}-${change}`, stack, change })),
);

function controllerOf(handle: (one: Case, request: string) => unknown): new () => object {
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- its methods are made below
  class Layers {}
  for (const { name, stack, change } of ROUTES) {
    const handler = (id: string, request: string): unknown => handle(cases.get(id)!, request);
    const descriptor: PropertyDescriptor = { value: handler, writable: true, configurable: true };
    const intercept = (context: ExecutionContext, next: CallHandler): Observable<unknown> =>
      CHANGES[change]!(next.handle(), caseOf(context));
    const layers: Readonly<Record<string, MethodDecorator>> = {
      i: Idempotent(),
      l: LockRequest('<headers.x-case>', { timeout: 0 }),
      x: UseInterceptors({ intercept }),
    };
    Headers('x-case')(Layers.prototype, name, 0);
    Headers('x-request')(Layers.prototype, name, 1);
    Object.defineProperty(Layers.prototype, name, descriptor);
    // The decorator that is applied first makes the outermost interceptor.
    for (const layer of [...stack.split('').map((letter) => layers[letter]!), Post(name)]) {
      layer(Layers.prototype, name, descriptor);
      Object.defineProperty(Layers.prototype, name, descriptor);
    }
  }
  Controller()(Layers);
  return Layers;
}

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly replayed: boolean;
}

/** What was seen while the handler worked. */
interface Meanwhile {
  readonly isBusy: boolean;
  isHeld: boolean;
  got: Answer | undefined;
}

interface Seen {
  readonly route: Route;
  readonly event: string;
  readonly kind: string;
  readonly one: Case;
  readonly meanwhile: Meanwhile;
  /** Of a client that has stayed. */
  readonly first: Answer | undefined;
  readonly repeated: Answer;
  readonly again: Answer;
}

const isLimited = ({ change }: Route): boolean => LIMITING.includes(change);
const isInside = ({ stack }: Route): boolean => stack.indexOf('x') > stack.indexOf('i');
const isWaiting = ({ text }: Answer): boolean => /IN_PROGRESS|LOCK_TIMEOUT/.test(text);

/** What must not be, in words. */
function faultsOf({ route, event, kind, one, meanwhile, first, repeated, again }: Seen): string[] {
  const faults: string[] = [];
  const isLocked = route.stack.includes('l');
  const isLost = event === 'lock-lost';
  const isFailing = !['promise', 'observable'].includes(kind);
  const isGivenUpInside = isInside(route) && isLimited(route);
  const isCalledTwice = isGivenUpInside && route.change === 'limitAndRetry';

  if (isLocked && !meanwhile.isHeld) faults.push('the lock is free while the handler works');
  if (meanwhile.got && !isWaiting(meanwhile.got)) faults.push(`a repetition meanwhile got ${meanwhile.got.text}`);
  if (one.cut > 0 && !isGivenUpInside && !isLost) faults.push('the work was cut off');
  if (one.most > 1 && !(isCalledTwice && (!isLocked || isLost))) faults.push('two runs at a time');

  const hasRunAgain = one.runs.some((request) => request !== '1');
  const mayRunAgain = isFailing || (isLost && (one.cut > 0 || isCalledTwice));
  if (hasRunAgain && !mayRunAgain) faults.push(`the handler ran for the requests ${one.runs.join()}`);

  const bodies = one.runs.flatMap((_, run) => [`{"run":${run + 1}}`, `{"data":{"run":${run + 1}}}`]);
  // A client has got these in place of the answer.
  if (isGivenUpInside && first && ['pending', 'stop'].includes(route.change)) bodies.push(first.text);
  if (isFailing) bodies.push(repeated.text);
  for (const got of [repeated, again]) {
    const isRefused = got.text.includes('NOT_REPLAYABLE');
    const isOwn = isFailing || (got === repeated && hasRunAgain);
    if (got.replayed && !bodies.includes(got.text)) faults.push(`the handler did not return ${got.text}`);
    if (!got.replayed && !isRefused && !isOwn) faults.push(`neither repeated nor refused: ${got.text}`);
    if (isRefused && !isGivenUpInside) faults.push('a repetition was refused');
  }
  return faults;
}

/** Sends a request whose client leaves when the returned function is called. */
function leaving(url: string, headers: Record<string, string>): () => void {
  const request = httpRequest(url, { method: 'POST', headers, agent: false });
  request.on('error', () => undefined);
  request.end();
  return () => request.destroy();
}

describe.each(PLATFORMS)('layers around a handler on %s', (platform) => {
  describe.each(Object.keys(HANDLERS))('a handler: %s', (kind) => {
    let app: TestApp;

    beforeAll(async () => {
      app = await TestApp.start(platform, { controllers: [controllerOf(HANDLERS[kind]!)] }, (made) => {
        made.useGlobalFilters(new LockExceptionFilter());
        made.use(
          (request: { headers: Record<string, string>; socket: Case['socket'] }, _: unknown, next: () => void) => {
            const one = cases.get(request.headers['x-case']!);
            if (one) one.socket ??= request.socket;
            next();
          },
        );
      });
    });

    afterAll(async () => {
      await app.close();
    });

    const check = async (route: Route, event: string): Promise<string[]> => {
      const id = `${route.name}-${event}`;
      const one = new Case();
      cases.set(id, one);
      const headers = (request: string) => ({ 'Idempotency-Key': id, 'X-Case': id, 'X-Request': request });
      const post = async (request: string): Promise<Answer> => {
        const init = { method: 'POST', headers: headers(request), signal: AbortSignal.timeout(LONG) };
        const answer = await app.get(`/${route.name}`, init);
        return { status: answer.status, text: answer.text, replayed: answer.headers.has('idempotent-replayed') };
      };
      const free = async (): Promise<void> => eventually(async () => !(await app.isHeld(id)), LONG);

      const leave = event === 'client-leaves' ? leaving(`${app.url}/${route.name}`, headers('1')) : undefined;
      const answering = leave ? undefined : post('1');
      await eventually(() => one.runs.length > 0, LONG);
      if (leave) {
        leave();
        await eventually(() => one.socket?.destroyed === true, LONG);
        await new Promise(setImmediate);
      }
      if (isLimited(route)) one.over.next();
      if (event === 'lock-lost') await app.locking.forceRelease(id);
      // Time for what should not happen.
      for (let turn = 0; turn < 10; turn += 1) await new Promise(setImmediate);
      const meanwhile: Meanwhile = { isBusy: one.active > 0 && event !== 'lock-lost', isHeld: true, got: undefined };
      if (meanwhile.isBusy) {
        meanwhile.isHeld = await app.isHeld(id);
        meanwhile.got = await post('2');
      }
      one.gate.resolve();
      const first = await answering;
      let repeated = await post('3');
      await eventually(async () => {
        if (isWaiting(repeated)) repeated = await post('3');
        return !isWaiting(repeated);
      }, LONG);
      await free();
      const again = await post('4');
      await free();
      return faultsOf({ route, event, kind, one, meanwhile, first, repeated, again }).map((fault) => `${id}: ${fault}`);
    };

    it.each(['client-stays', 'client-leaves', 'lock-lost'])(
      'runs once, under its lock, and is repeated with its own result (%s)',
      async (event) => {
        const routes = ROUTES.filter(({ stack }) => event !== 'lock-lost' || stack.includes('l'));
        const faults = await Promise.all(routes.map(async (route) => check(route, event)));
        expect(faults.flat()).toEqual([]);
      },
    );
  });
});
