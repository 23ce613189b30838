import type { Cluster, Redis } from 'ioredis';
import { Credentials } from './credentials.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';

/** What the nodes of a cluster, and the connections beside theirs, log in with. */
export class ClusterLogins {
  private readonly credentials?: Credentials;
  private isAsking = false;
  private cluster?: Cluster;
  /** What the nodes of a given client logged in with at first. */
  private firstPassword?: string | null | undefined;

  /** @param onFailure - told why the application's function named no credentials */
  constructor({ credentials }: RedisLockingProviderOptions, onFailure: (error: Error) => void) {
    if (credentials) this.credentials = new Credentials(credentials, onFailure);
  }

  /** For the provider's own client, before it connects. */
  attach(cluster: Cluster): void {
    const { credentials } = this;
    credentials?.attach(cluster, () => undefined);
    // A node has to begin to connect at once, and there is a new one after each end: those that are known have to do.
    cluster.on('+node', (node: Redis) => credentials?.applyTo(node));
    cluster.on('-node', () => void this.renew());
  }

  /** Of this cluster, the provider's own or a given one. */
  follow(cluster: Cluster): void {
    this.cluster = cluster;
    this.firstPassword = cluster.options.redisOptions?.password;
  }

  /** Even where all connections stand, ioredis asks for the slots over new ones, with what their nodes have. */
  async renew(): Promise<void> {
    const { credentials } = this;
    if (!credentials || this.isAsking) return;
    this.isAsking = true;
    await credentials.refresh();
    this.isAsking = false;
    for (const node of this.cluster?.nodes('all') ?? []) credentials.applyTo(node);
  }

  /** A connection of its own to the same node, for subscriptions. */
  duplicate(node: Redis): Redis {
    const client = node.duplicate({
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResubscribe: false,
      keyPrefix: '',
      // The owner makes another one, to a node that is there.
      retryStrategy: null,
      ...this.changedPassword(),
    });
    const { credentials } = this;
    const apply = (): void => {
      credentials?.applyTo(client);
    };
    apply();
    credentials?.attach(client, apply);
    return client;
  }

  /** A node that has been connected for long still knows the password of that time. */
  private changedPassword(): { password?: string; username?: string } {
    const { username, password } = this.cluster?.options.redisOptions ?? {};
    if (typeof password !== 'string' || password === this.firstPassword) return {};
    return { password, ...(username && { username }) };
  }
}
