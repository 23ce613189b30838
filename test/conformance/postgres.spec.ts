import { PostgresLockingProvider } from '../../lib/index.js';
import { describeOnServers } from '../support/describe-on-servers.js';
import { usePostgresServer } from '../support/postgres.js';

const postgres = usePostgresServer();

describeOnServers('PostgresLockingProvider', async (namespace) => {
  const context = { id: 'locking-postgres', warn: () => undefined };
  const provider = new PostgresLockingProvider({ connectionString: postgres.url, namespace }, context);
  await provider.connect(() => undefined);
  return provider;
});
