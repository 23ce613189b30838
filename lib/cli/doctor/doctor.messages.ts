import type { Finding } from '../../provider-api/operable-store.js';
import { formatDuration } from '../../operations/examination/format-duration.js';
import { count } from '../terminal/format.js';
import { printable } from '../terminal/printable.js';

/** What the checks that any store allows have found. */
export const findings = {
  connected: (store: string): Finding => ({ level: 'ok', subject: 'connection', message: `connected to ${store}` }),

  notExamined: (cause: string): Finding => ({
    level: 'problem',
    subject: 'server',
    message: `the look at the server failed: ${cause}`,
  }),

  locks: (held: number): Finding => ({
    level: 'ok',
    subject: 'locks',
    message: `${count(held, 'lock is', 'locks are')} held`,
  }),

  forever: (number: number, some: readonly string[]): Finding => ({
    level: 'warning',
    subject: 'stale leases',
    message: `${count(number, 'lock never expires', 'locks never expire')}: ${shown(some, number)}. If its holder has died, nothing frees it`,
    remedy: 'Check that each holder still needs its lock; "npx nestjs-locking release <key>" frees it.',
  }),

  longLeases: (number: number, some: readonly string[]): Finding => ({
    level: 'note',
    subject: 'stale leases',
    message: `${count(number, 'lock expires', 'locks expire')} in more than a day unless released: ${shown(some, number)}`,
    remedy: 'Give such locks a shorter expire and renew: true, so that those of a dead holder end soon.',
  }),

  foreign: (number: number, some: readonly string[]): Finding => ({
    level: 'note',
    subject: 'other software',
    message: `${count(number, 'key of the namespace was', 'keys of the namespace were')} written by other software: ${shown(some, number)}`,
    remedy: 'If that is not meant, give locks a namespace of their own.',
  }),

  noOrphans: (entries: number): Finding => ({
    level: 'ok',
    subject: 'queues',
    message:
      entries === 0 ? 'no process waits' : `${count(entries, 'entry', 'entries')}, all of processes that are alive`,
  }),

  orphans: (number: number, some: readonly string[]): Finding => ({
    level: 'warning',
    subject: 'queues',
    message: `${count(number, 'entry', 'entries')} of processes that have died or hang, for ${shown(some, number)}`,
    remedy:
      'They are skipped, so nothing is stuck. Find out why processes end without a shutdown (enableShutdownHooks).',
  }),

  stuck: (key: string, milliseconds: number): Finding => ({
    level: 'problem',
    subject: 'queues',
    message: `${printable(key)} has been free for ${formatDuration(milliseconds)}, and a live process waits for it`,
    remedy: 'Look whether the store is overloaded and whether that process can still reach it.',
  }),

  queuesCut: (looked: number): Finding => ({
    level: 'note',
    subject: 'queues',
    message: `only the first ${String(looked)} queues were looked at`,
  }),

  noTrial: (): Finding => ({
    level: 'note',
    subject: 'rights',
    message: 'not tried, because of --read-only',
  }),

  trial: (milliseconds: number): Finding => ({
    level: 'ok',
    subject: 'rights',
    message: `a lock was acquired, renewed and released in ${formatDuration(milliseconds)}`,
  }),

  trialFailed: (step: string, cause: string): Finding => ({
    level: 'problem',
    subject: 'rights',
    message: `a lock of its own could not be ${step}: ${cause}`,
  }),

  wakeUps: (milliseconds: number): Finding => ({
    level: 'ok',
    subject: 'wake-ups',
    message: `a waiter was woken ${formatDuration(milliseconds)} after the release`,
  }),

  noWakeUps: (cause: string | undefined): Finding => ({
    level: 'warning',
    subject: 'wake-ups',
    message: `a waiter heard nothing of the release, so waiters ask again and again${cause === undefined ? '' : `: ${cause}`}`,
    remedy:
      'Redis: allow SUBSCRIBE and PUBLISH (docs/redis.md, "A user with few rights"). PostgreSQL: give LOCKING_POSTGRES_LISTEN_URL, an address past the pooler.',
  }),

  noQueues: (): Finding => ({
    level: 'ok',
    subject: 'wake-ups',
    message: 'this store has no queues: waiters ask again and again',
  }),
};

function shown(keys: readonly string[], all: number): string {
  return `${keys.map(printable).join(', ')}${all > keys.length ? ' …' : ''}`;
}
