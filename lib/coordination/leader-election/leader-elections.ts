import { Inject, Injectable, Logger, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { DiscoveryService, ModuleRef } from '@nestjs/core';
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { makeInNeutralContext } from '../../engine/runtime/neutral-context.js';
import { setImmediate } from '../../engine/runtime/real-queues.js';
import { LockConfigurationError } from '../../errors/index.js';
import { LockingRegistry } from '../../module/locking.registry.js';
import { LockingService } from '../../module/locking.service.js';
import { Candidate } from './candidate.js';
import { decoratedMethods, hasOneInstance, type Component } from './decorated-methods.js';
import type { LeaderElectionOptions } from './leader-election-options.interface.js';
import {
  differentOptions,
  loadedLazily,
  moduleMissing,
  notASingleton,
  unknownElection,
} from './leader-election.messages.js';
import { LeaderElection } from './leader-election.js';
import type { LeaderHandler, LeaderHandlers } from './leader-handlers.js';
import type { RoleEvent } from './leader-term.interface.js';
import { readLeaderOptions, type ElectionPlan } from './read-leader-options.js';

interface Entry {
  readonly candidate: Candidate;
  readonly election: LeaderElection;
}

/** A decorated method, with the handlers of the election that it names. */
interface Found extends LeaderHandler {
  readonly handlers: LeaderHandlers;
  readonly event: RoleEvent;
}

/**
 * The elections of one application. They begin once it has started, and end before its locks are drained: at
 * `onModuleDestroy`.
 */
@Injectable()
export class LeaderElections implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger('LeaderElection');
  private readonly entries = new Map<string, Entry>();
  private readonly instanceId = `${hostname()}-${String(process.pid)}-${randomBytes(3).toString('hex')}`;
  /** Instances whose decorated methods are handlers already, and prototypes of classes without a single instance. */
  private readonly known = new WeakSet<object>();
  private service?: LockingService;
  private started = false;
  private stopping?: Promise<void>;

  constructor(
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(DiscoveryService) private readonly discovery: DiscoveryService,
  ) {}

  /** @throws LockConfigurationError for options that cannot work, or differ from those the election has already */
  open(options: LeaderElectionOptions): LeaderElection {
    const plan = readLeaderOptions(options, this.instanceId);
    const known = this.entries.get(plan.name);
    if (!known) {
      // Nest has no hook for modules that are loaded later: it would never begin.
      if (this.started) throw new LockConfigurationError(loadedLazily(plan.name));
      return this.create(plan);
    }
    if (!isSame(plan, known.candidate.plan)) throw new LockConfigurationError(differentOptions(plan.name));
    return known.election;
  }

  /**
   * @param where - what asks for it, for the error
   * @throws LockConfigurationError when there is none of this name
   */
  candidate(name: string, where: string): Candidate {
    const entry = this.entries.get(name);
    if (!entry) throw new LockConfigurationError(unknownElection(where, name, [...this.entries.keys()].sort()));
    return entry.candidate;
  }

  /** The elections that this instance takes part in, and whether it leads. */
  states(): { readonly name: string; readonly provider: string | undefined; readonly leads: boolean }[] {
    return [...this.entries.values()].map(({ candidate: { plan, term } }) => ({
      name: plan.name,
      provider: plan.provider,
      leads: term !== undefined,
    }));
  }

  /** Called by Nest: finds the decorated methods, then has this instance stand for leader. */
  onApplicationBootstrap(): void {
    for (const { handlers, event, ...handler } of this.handlersOf(this.components())) handlers.add(event, handler);
    // All of them first: an application that does not start must not stand for leader.
    for (const { candidate } of this.entries.values()) candidate.check();
    if (this.stopping) return;
    this.started = true;
    for (const { candidate } of this.entries.values()) candidate.start();
  }

  /**
   * Nest has made an instance of a class with decorated methods. After the start it belongs to a lazily loaded module, and
   * Nest tells of that in no other way.
   *
   * @throws LockConfigurationError when a method names an election that there is not
   */
  welcome(instance: object): void {
    if (!this.started || this.stopping || this.known.has(Object.getPrototypeOf(instance) as object)) return;
    const found = this.handlersOf(this.componentsOf(instance));
    if (found.length === 0) return;
    // The module may yet fail to load, and Nest then drops it.
    const isLoaded = (): boolean => this.componentsOf(instance).length > 0;
    // Nest has not yet put everything into the instance.
    makeInNeutralContext(setImmediate, () => {
      if (this.stopping || !isLoaded()) return;
      for (const { handlers, event, label, call } of found) {
        handlers.add(event, { label, call: (term) => (isLoaded() ? call(term) : undefined) });
      }
    });
  }

  /** Called by Nest: steps down everywhere, and waits for it, no longer than a shutdown may take. */
  async onModuleDestroy(): Promise<void> {
    return (this.stopping ??= this.stop());
  }

  private async stop(): Promise<void> {
    if (!this.started) return;
    const registry = this.moduleRef.get<LockingRegistry>(LockingRegistry, { strict: false });
    const since = performance.now();
    const candidates = [...this.entries.values()].map(({ candidate }) => candidate);
    await Promise.all(
      candidates.map(async (candidate) => candidate.stop(registry.drainTimeout(candidate.plan.provider))),
    );
    registry.spend(performance.now() - since);
  }

  private create(plan: ElectionPlan): LeaderElection {
    const locking = (): LockingService => this.locking();
    const candidate = new Candidate(plan, locking, this.logger);
    const election = new LeaderElection(candidate, locking);
    this.entries.set(plan.name, { candidate, election });
    return election;
  }

  private handlersOf(components: readonly Component[]): Found[] {
    const found: Found[] = [];
    for (const { label, name, role, call } of decoratedMethods(components, this.known)) {
      const { handlers } = this.candidate(name, label);
      if (role === 'only') continue;
      if (call) found.push({ handlers, event: role, label, call });
      else this.logger.warn(notASingleton(label));
    }
    return found;
  }

  private components(): Component[] {
    return [...this.discovery.getProviders(), ...this.discovery.getControllers()];
  }

  /** Those that `instance` is the instance of, or one of many. An object that Nest only filled is of none. */
  private componentsOf(instance: object): Component[] {
    return this.components().filter(
      (component) =>
        // First: Nest 11 answers with a stack overflow for the instance of a component that it could not make.
        component.metatype === instance.constructor && (!hasOneInstance(component) || component.instance === instance),
    );
  }

  /** Found wherever in the application it is, whether or not `forRoot` is global. */
  private locking(): LockingService {
    try {
      return (this.service ??= LockingService.forOwnKeys(this.moduleRef.get(LockingService, { strict: false })));
    } catch (error) {
      throw new LockConfigurationError(moduleMissing(), { cause: error });
    }
  }
}

function isSame(one: ElectionPlan, other: ElectionPlan): boolean {
  return (Object.keys(one) as (keyof ElectionPlan)[]).every((key) => one[key] === other[key]);
}
