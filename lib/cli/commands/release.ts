import { normalizeKeys } from '../../engine/options/lock-keys.js';
import { readWhole } from '../arguments.js';
import { changedSince, keyIsFree, mayBeReleased, notReleased, otherToken, wouldAsk } from '../cli.messages.js';
import type { Command, CommandCall } from '../command.interface.js';
import { CommandError, EXIT, type ExitCode } from '../exit-code.js';
import { lookAt, viewLines } from '../lock-view.js';
import type { OpenStore } from '../store/open-store.js';
import type { StoredLease } from '../../provider-api/index.js';
import { confirm } from '../terminal/ask.js';
import { printable } from '../terminal/printable.js';

const QUESTION = `
The holder is not stopped: it goes on until it hears of this, at its next renewal at the latest.
Release this lock? Type yes: `;

export const release: Command = {
  name: 'release',
  usage: '<key>',
  summary: 'takes a lock from its holder; shows it, asks, and releases only what it has shown',
  arguments: [1, 1],
  options: {
    yes: { type: 'boolean', short: 'y', help: 'does not ask' },
    token: { type: 'string', value: 'N', help: 'releases only the grant with this fencing token' },
  },
  run: async (call) => {
    const { positionals, values, terminal, open } = call;
    const [key = ''] = normalizeKeys(positionals, true);
    const token = readWhole(values, 'token');
    if (values.yes !== true && !terminal.canAsk) throw new CommandError(wouldAsk(), EXIT.misuse);
    const store = await open();
    const found = await lookAt(store, key);
    if (!found) return refuse(call, keyIsFree(key), 'free');
    const { lease, view } = found;
    if (token !== undefined && token !== lease.fencingToken) {
      return refuse(call, otherToken(key, String(lease.fencingToken ?? 'none'), String(token)), 'changed');
    }
    if (values.json !== true) for (const line of viewLines(view)) await terminal.line(line);
    if (values.yes !== true && !(await confirm(terminal, QUESTION))) return refuse(call, notReleased(key), 'declined');
    if (!(await revoke(store, lease))) return refuse(call, changedSince(key), 'changed');
    const next = await store.inspect(key);
    if (values.json === true) await terminal.json({ key, released: true, next: next?.ownerId ?? null });
    else await terminal.line(outcome(lease, next));
    return EXIT.done;
  },
};

async function revoke(store: OpenStore, lease: StoredLease): Promise<boolean> {
  try {
    return await store.call('release', [lease.key], async (asked) => asked.revokeSeen(lease));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    throw new CommandError(mayBeReleased(lease.key, error.message), error.code, { cause: error });
  }
}

async function refuse(
  { positionals: [key = ''], values, terminal }: CommandCall,
  message: string,
  reason: 'free' | 'changed' | 'declined',
): Promise<ExitCode> {
  if (values.json === true) await terminal.json({ key, released: false, reason });
  else terminal.note(message);
  return EXIT.no;
}

function outcome({ key, ownerId, fencingToken }: StoredLease, next: StoredLease | null): string {
  const held = next && (next.ownerId !== ownerId || next.fencingToken !== fencingToken);
  const then = held ? `${printable(next.ownerId)} holds it now.` : 'It is free now.';
  return `Released ${printable(key)}. ${then}`;
}
