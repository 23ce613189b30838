import {
  ConflictException,
  ForbiddenException,
  BadRequestException,
  Logger,
  NotFoundException,
  ServiceUnavailableException,
  type BeforeApplicationShutdown,
} from '@nestjs/common';
import type { Observable } from 'rxjs';
import { isLockKeyError, LockConfigurationError } from '../../errors/index.js';
import type { LockingService } from '../../module/locking.service.js';
import type { RecordService } from '../../records/record.service.js';
import {
  badPerson,
  badRelease,
  changedMeanwhile,
  foreignRequest,
  mayBeReleasedByHand,
  readOnly,
  releasedByHand,
  tooManyViewers,
  unknownProviderHere,
} from './dashboard.messages.js';
import type { DashboardPlan } from './read-dashboard-options.js';
import { clientOf, isFromPage, lineOf, type PageRequest, type PageResponse } from './page-request.js';
import { noteStoredHolder } from '../../engine/hold/lease-view.js';
import type { SeenHolder } from '../../interfaces/index.js';
import type { Selection, Snapshot } from './snapshot.interface.js';
import { StoreObserver } from './store-observer.js';
import { Viewers, type ViewMessage } from './viewers.js';

/** A lock as a page has seen it, that is to be released. */
interface SeenLock extends SeenHolder {
  readonly provider: string;
  readonly key: string;
  readonly lease?: SeenHolder | null;
}

const LONGEST_SEARCH = 200;

/** What the dashboard shows and does. */
export class DashboardService implements BeforeApplicationShutdown {
  private readonly logger = new Logger('LockingDashboard');
  private readonly observers = new Map<string, StoreObserver>();
  private readonly viewers: Viewers;

  constructor(
    private readonly plan: DashboardPlan,
    private readonly locking: LockingService,
    private readonly records: RecordService,
  ) {
    const source = {
      observer: (provider: string) => this.observer(provider),
      compose: (selection: Selection) => this.compose(selection),
    };
    this.viewers = new Viewers(source, plan);
  }

  /** @throws the HTTP errors for a provider that there is not, and for one page too many */
  watch(
    query: Readonly<Record<string, unknown>>,
    request: PageRequest,
    response: PageResponse,
  ): Observable<ViewMessage> {
    const [first = ''] = this.locking.providerIds;
    const text = (name: string): string | undefined => (typeof query[name] === 'string' ? query[name] : undefined);
    const provider = text('provider') ?? first;
    if (!this.locking.providerIds.includes(provider)) throw new NotFoundException(unknownProviderHere(provider));
    if (this.viewers.isFull) throw new ServiceUnavailableException(tooManyViewers(this.plan.maxViewers));
    const selection = { provider, search: (text('search') ?? '').slice(0, LONGEST_SEARCH), key: text('key') };
    return this.viewers.watch(selection, lineOf(request, response));
  }

  /**
   * Releases a lock by hand, if its holder is still the one that the page has shown.
   *
   * @throws the HTTP errors for what may not be, or cannot be
   */
  async release(request: PageRequest, body: unknown): Promise<{ released: boolean }> {
    if (!this.plan.allowRelease) throw new ForbiddenException(readOnly());
    if (!isFromPage(request, this.plan.trustProxy)) throw new ForbiddenException(foreignRequest());
    if (!isSeenLock(body) || !this.locking.providerIds.includes(body.provider)) {
      throw new BadRequestException(badRelease());
    }
    const { provider, key, ownerId, fencingToken, lease } = body;
    // Before anything is released: it may fail, and no release goes unlogged.
    const person: unknown = (await this.plan.identify(request)) ?? clientOf(request);
    if (typeof person !== 'string') throw new LockConfigurationError(badPerson());
    const seen = { ownerId, fencingToken };
    if (lease) noteStoredHolder(seen, { ownerId: lease.ownerId, fencingToken: lease.fencingToken });
    let released: number;
    try {
      released = await this.locking.forceRelease(key, { provider, seen });
    } catch (error) {
      if (isLockKeyError(error)) throw new BadRequestException(error.message);
      this.logger.warn(mayBeReleasedByHand(key, provider, person, error));
      throw error;
    }
    if (released === 0) throw new ConflictException(changedMeanwhile(key));
    this.logger.warn(releasedByHand(key, body, provider, person));
    return { released: true };
  }

  /** Called by Nest: open pages would keep the server from closing. */
  beforeApplicationShutdown(): void {
    this.viewers.close();
  }

  private observer(provider: string): StoreObserver {
    let observer = this.observers.get(provider);
    if (!observer) this.observers.set(provider, (observer = new StoreObserver(this.locking, this.records, provider)));
    return observer;
  }

  private compose(selection: Selection): string {
    const { provider } = selection;
    const { allowRelease, interval } = this.plan;
    const { instanceId, providerIds: providers } = this.locking;
    const snapshot: Snapshot = {
      at: Date.now(),
      provider,
      providers,
      instanceId,
      allowRelease,
      interval,
      ...this.observer(provider).show(selection),
    };
    return JSON.stringify(snapshot);
  }
}

function isSeenLock(body: unknown): body is SeenLock {
  if (!isHolder(body)) return false;
  const { provider, key, lease } = body as Partial<Record<keyof SeenLock, unknown>>;
  if (typeof provider !== 'string' || typeof key !== 'string') return false;
  return lease === undefined || lease === null || isHolder(lease);
}

function isHolder(value: unknown): value is SeenHolder {
  if (typeof value !== 'object' || value === null) return false;
  const { ownerId, fencingToken } = value as Partial<Record<keyof SeenHolder, unknown>>;
  return typeof ownerId === 'string' && (fencingToken === null || Number.isSafeInteger(fencingToken));
}
