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
  readOnly,
  releasedByHand,
  tooManyViewers,
  unknownProviderHere,
} from './dashboard.messages.js';
import type { DashboardPlan } from './read-dashboard-options.js';
import { clientOf, isFromPage, type PageRequest } from './page-request.js';
import type { Selection, Snapshot } from './snapshot.interface.js';
import { StoreObserver } from './store-observer.js';
import { Viewers, type ViewMessage } from './viewers.js';

/** A lock as a page has seen it, that is to be released. */
interface SeenLock {
  readonly provider: string;
  readonly key: string;
  readonly ownerId: string;
  readonly fencingToken: number | null;
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
    this.viewers = new Viewers(source, plan.interval, plan.maxViewers);
  }

  /** @throws the HTTP errors for a provider that there is not, and for one page too many */
  watch(query: Readonly<Record<string, unknown>>): Observable<ViewMessage> {
    const [first = ''] = this.locking.providerIds;
    const text = (name: string): string | undefined => (typeof query[name] === 'string' ? query[name] : undefined);
    const provider = text('provider') ?? first;
    if (!this.locking.providerIds.includes(provider)) throw new NotFoundException(unknownProviderHere(provider));
    if (this.viewers.isFull) throw new ServiceUnavailableException(tooManyViewers(this.plan.maxViewers));
    return this.viewers.watch({ provider, search: (text('search') ?? '').slice(0, LONGEST_SEARCH), key: text('key') });
  }

  /**
   * Releases a lock by hand, if it is still the one that the page has shown.
   *
   * @throws the HTTP errors for what may not be, or cannot be
   */
  async release(request: PageRequest, body: unknown): Promise<{ released: boolean }> {
    if (!this.plan.allowRelease) throw new ForbiddenException(readOnly());
    if (!isFromPage(request, this.plan.trustProxy)) throw new ForbiddenException(foreignRequest());
    if (!isSeenLock(body) || !this.locking.providerIds.includes(body.provider)) {
      throw new BadRequestException(badRelease());
    }
    const { provider, key, ownerId, fencingToken } = body;
    // Before anything is released: it may fail, and there is no release without a line in the log.
    const person = this.plan.identify(request) ?? clientOf(request);
    if (typeof person !== 'string') throw new LockConfigurationError(badPerson());
    try {
      const info = await this.locking.inspect(key, { provider });
      if (info?.ownerId !== ownerId || info.fencingToken !== fencingToken) {
        throw new ConflictException(changedMeanwhile(key));
      }
      const released = (await this.locking.forceRelease(key, { provider })) > 0;
      if (!released) throw new ConflictException(changedMeanwhile(key));
    } catch (error) {
      if (isLockKeyError(error)) throw new BadRequestException(error.message);
      throw error;
    }
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

  private compose(selection: Selection): Snapshot {
    const { provider } = selection;
    const { allowRelease, interval } = this.plan;
    const { instanceId, providerIds: providers } = this.locking;
    return {
      at: Date.now(),
      provider,
      providers,
      instanceId,
      allowRelease,
      interval,
      ...this.observer(provider).show(selection),
    };
  }
}

function isSeenLock(body: unknown): body is SeenLock {
  if (typeof body !== 'object' || body === null) return false;
  const { provider, key, ownerId, fencingToken } = body as Partial<Record<keyof SeenLock, unknown>>;
  const isToken = fencingToken === null || typeof fencingToken === 'number';
  return [provider, key, ownerId].every((text) => typeof text === 'string') && isToken;
}
