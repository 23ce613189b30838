import { describe, expect, it } from '@jest/globals';
import { isLockConfigurationError, postgresSchemaSql, type PostgresExecutor } from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { rowsOf, usePostgresServer } from '../support/postgres.js';
import { listener, makeUser, request, useProviders } from './support.js';

const postgres = usePostgresServer();
const providers = useProviders();

let count = 0;
const newSchema = (): string => `locks "${String((count += 1))}'`;

describe('at start the provider', () => {
  it('creates its tables once, also where many instances start together', async () => {
    const options = { connectionString: postgres.url, schema: newSchema() };
    const instances = await Promise.all(Array.from({ length: 6 }, () => providers.connect(options)));
    const answers = await Promise.all(instances.map(({ provider }) => provider.acquire(request('k'))));
    expect(answers.filter(({ granted }) => granted)).toHaveLength(1);
    expect(instances.flatMap(({ warnings }) => warnings)).toEqual([]);
  });

  it('needs no more than the rights in docs/postgres.md where it does not create its tables', async () => {
    const schema = newSchema();
    const user = await makeUser(postgres.url);
    await rowsOf(postgres.url, postgresSchemaSql({ schema }));
    const name = `"${schema.replaceAll('"', '""')}"`;
    await rowsOf(
      postgres.url,
      `REVOKE ALL ON SCHEMA public FROM PUBLIC; GRANT USAGE ON SCHEMA ${name} TO "${user.name}";
       GRANT SELECT, UPDATE ON ${name}.meta TO "${user.name}";
       GRANT SELECT, INSERT, UPDATE, DELETE ON ${name}.lease, ${name}.queue, ${name}.record TO "${user.name}"`,
    );
    const options = { connectionString: user.url, schema, migrate: false };
    const [one, two] = await Promise.all([providers.connect(options), providers.connect(options)]);
    const heard: string[] = [];
    await two.provider.listen('two', listener(heard));
    const held = request('k', { processId: 'one' });
    await one.provider.acquire(held);
    await two.provider.acquire(request('k', { processId: 'two', queue: true }));
    await one.provider.release(held);
    await eventually(() => heard.includes('granted k'));
    expect(await one.provider.revoke(['k'])).toBe(1);
    await eventually(() => heard.includes('lost k'));
    expect([...one.warnings, ...two.warnings]).toEqual([]);
  });

  it('says which rights are missing', async () => {
    const schema = newSchema();
    await rowsOf(postgres.url, postgresSchemaSql({ schema }));
    const { url, name } = await makeUser(postgres.url);
    const error = await rejectionOf(providers.connect({ connectionString: url, schema }));
    expect(isLockConfigurationError(error)).toBe(true);
    expect(error.message).toContain(`may not use the tables and functions of locks. Run: GRANT USAGE ON SCHEMA`);
    expect(error.message).toContain(`TO "${name}"`);
    await rowsOf(postgres.url, /Run: (.*)$/.exec(error.message)?.[1] ?? '');
    await providers.connect({ connectionString: url, schema });
  });

  it('says what to do where it may not create its tables, or is not to', async () => {
    const { url } = await makeUser(postgres.url);
    const refused = await rejectionOf(providers.connect({ connectionString: url, schema: 'of_another' }));
    expect(isLockConfigurationError(refused)).toBe(true);
    expect(refused.message).toContain('Grant the user CREATE on the database, or run the SQL that postgresSchemaSql(');
    const missing = await rejectionOf(
      providers.connect({ connectionString: url, schema: 'of_another', migrate: false }),
    );
    expect(isLockConfigurationError(missing)).toBe(true);
    expect(missing.message).toContain(`postgresSchemaSql({ schema: "of_another" })`);
  });

  it('refuses a user whose transactions are not READ COMMITTED, and each command checks it once more', async () => {
    const schema = newSchema();
    const connected = await providers.connect({ connectionString: postgres.url, schema });
    const user = await makeUser(postgres.url, 'SUPERUSER');
    await rowsOf(postgres.url, `ALTER ROLE "${user.name}" SET default_transaction_isolation = 'repeatable read'`);
    const error = await rejectionOf(providers.connect({ connectionString: user.url, schema }));
    expect(isLockConfigurationError(error)).toBe(true);
    expect(error.message).toContain(`at the isolation level "repeatable read"`);

    const name = `"${schema.replaceAll('"', '""')}"`;
    const command = rowsOf(user.url, `SELECT ${name}.inspect_v1('{"namespace": "", "keys": ["k"]}')`);
    await expect(command).rejects.toMatchObject({ code: 'NL001' });
    await expect(connected.provider.inspect(['k'])).resolves.toEqual([null]);
  });

  it('refuses a server that takes no writes, and goes on trying', async () => {
    const user = await makeUser(postgres.url, 'SUPERUSER');
    await rowsOf(postgres.url, `ALTER ROLE "${user.name}" SET default_transaction_read_only = on`);
    const { provider, events } = providers.make({ connectionString: user.url, schema: newSchema() });
    const first = provider.connect(() => events.push('connected'));
    await expect(first).rejects.toThrow('takes no writes (default_transaction_read_only is on)');
    await rowsOf(postgres.url, `ALTER ROLE "${user.name}" RESET default_transaction_read_only`);
    // Connections of before keep the setting.
    await rowsOf(postgres.url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [
      user.name,
    ]);
    await eventually(() => events.includes('connected'));
    expect((await provider.acquire(request('k'))).granted).toBe(true);
  });

  it('refuses a server that is too old', async () => {
    const facts = { version: '12.22', number: 120_022 };
    const executor: PostgresExecutor = { query: async () => [{ answer: JSON.stringify(facts) }] };
    const error = await rejectionOf(providers.connect({ executor }));
    expect(isLockConfigurationError(error)).toBe(true);
    expect(error.message).toContain('has version 12.22. Locks need version 13 or later.');
  });

  it('works beside instances of a later version, whose tables it leaves as they are', async () => {
    const schema = newSchema();
    await rowsOf(postgres.url, postgresSchemaSql({ schema }));
    const name = `"${schema.replaceAll('"', '""')}"`;
    await rowsOf(
      postgres.url,
      `ALTER TABLE ${name}.lease ADD COLUMN later int; UPDATE ${name}.meta SET version = 1000`,
    );
    const { provider } = await providers.connect({ connectionString: postgres.url, schema });
    const lock = request('k');
    expect((await provider.acquire(lock)).granted).toBe(true);
    expect((await provider.acquire(request('k'))).granted).toBe(false);
    expect(await provider.release(lock)).toEqual(['freed']);
    expect((await rowsOf(postgres.url, `SELECT version FROM ${name}.meta`))[0]).toEqual({ version: 1000 });
  });

  it('makes UNLOGGED tables where it is told to, and keeps the floor of the tokens in a logged one', async () => {
    const schema = newSchema();
    await providers.connect({ connectionString: postgres.url, schema, unlogged: true });
    const tables = await rowsOf(
      postgres.url,
      `SELECT relname, relpersistence FROM pg_class JOIN pg_namespace AS n ON n.oid = relnamespace
       WHERE nspname = $1 AND relkind = 'r' ORDER BY relname`,
      [schema],
    );
    expect(tables.map(({ relname, relpersistence }) => [relname, relpersistence])).toEqual([
      ['lease', 'u'],
      ['meta', 'p'],
      ['queue', 'u'],
      ['record', 'u'],
    ]);
  });
});

describe('options of PostgreSQL that cannot work', () => {
  it.each([
    [{}, 'it does not know where PostgreSQL is'],
    [{ connectionString: '' }, 'it does not know where PostgreSQL is'],
    [{ connectionString: 'redis://u:secret@h' }, 'connectionString "redis://***@h" is not a URL'],
    [{ connectionString: 'postgres://h/d', listenUrl: 'h:5432' }, 'listenUrl "h:5432" is not a URL'],
    [{ connectionString: 'postgres://h/d', executor: { query: async () => [] } }, 'give one of connectionString, pool'],
    [{ pool: {} }, 'pool is not a Pool of the package pg'],
    [{ executor: {} }, 'executor has no method query'],
    [{ connectionString: 'postgres://h/d', schema: '' }, 'schema must be the name of a schema'],
    [{ connectionString: 'postgres://h/d', schema: 'x'.repeat(64) }, 'schema must be the name of a schema'],
    [{ connectionString: 'postgres://h/d', namespace: 'x'.repeat(201) }, 'namespace must be a string'],
    [{ connectionString: 'postgres://h/d', migrate: 'no' }, 'migrate must be true or false'],
  ])('are refused with the remedy: %j', (options, message) => {
    expect(() => providers.make(options as never)).toThrow(message);
  });

  it.each(['pg_locks', 'pg_', 'pg_temp'])('refuses the schema %s, whose name is reserved', (schema) => {
    expect(() => providers.make({ connectionString: postgres.url, schema })).toThrow(
      /begin with pg_ are PostgreSQL's own/,
    );
  });
});

describe('a schema that is dropped while the provider runs', () => {
  it('fails one call with what to do, and is made again by the next, which tells of the lost leases', async () => {
    const { provider, events } = await providers.connect({ connectionString: postgres.url, schema: 'dropped' });
    const held = request('k');
    const first = await provider.acquire(held);
    await rowsOf(postgres.url, 'DROP SCHEMA dropped CASCADE');
    const error = await rejectionOf(Promise.resolve(provider.extend({ ...held, ttl: 1000 })));
    expect(error.message).toMatch(/missing/);
    expect((error as { remedy?: string }).remedy).toMatch(/^The next call makes them again, with no locks in them/);
    expect(await provider.extend({ ...held, ttl: 1000 })).toEqual([false]);
    await eventually(() => events.includes('replaced'));
    const next = await provider.acquire(request('k'));
    expect(next.granted && first.granted && next.fencingTokens[0]! > first.fencingTokens[0]!).toBe(true);
  });

  it('with migrate: false it says that the SQL has to be run', async () => {
    await rowsOf(postgres.url, postgresSchemaSql({ schema: 'dropped_too' }));
    const options = { connectionString: postgres.url, schema: 'dropped_too', migrate: false };
    const { provider } = await providers.connect(options);
    await rowsOf(postgres.url, 'DROP SCHEMA dropped_too CASCADE');
    await rejectionOf(provider.acquire(request('k')));
    const error = await rejectionOf(provider.acquire(request('k')));
    expect(error.message).toMatch(/Run the SQL that postgresSchemaSql/);
    await rowsOf(postgres.url, postgresSchemaSql({ schema: 'dropped_too' }));
    expect((await provider.acquire(request('k'))).granted).toBe(true);
  });
});
