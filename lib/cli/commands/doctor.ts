import { lookAtClock } from '../../operations/examination/look-at-clock.js';
import type { Finding, FindingLevel } from '../../provider-api/operable-store.js';
import type { Command, CommandCall } from '../command.interface.js';
import { findings } from '../doctor/doctor.messages.js';
import { lookForOrphans, lookForStaleLeases } from '../doctor/look-for-stale.js';
import { tryLock } from '../doctor/trial.js';
import { CommandError, EXIT } from '../exit-code.js';
import type { OpenStore } from '../store/open-store.js';
import { count } from '../terminal/format.js';
import { printableMessage } from '../terminal/printable.js';
import type { Style, Terminal } from '../terminal/terminal.js';

/** How often the store is asked for the time. */
const ROUNDS = 5;

const STYLES: Readonly<Record<FindingLevel, Style>> = { ok: 'green', note: 'dim', warning: 'yellow', problem: 'red' };

export const doctor: Command = {
  name: 'doctor',
  usage: '',
  summary: 'looks for what endangers locks, in the store and in what it holds, and says what to do',
  arguments: [0, 0],
  options: {
    strict: { type: 'boolean', help: 'ends with 1 for warnings as well' },
    'read-only': { type: 'boolean', help: 'does not try a lock of its own' },
  },
  run: async (call) => {
    const { values, terminal } = call;
    const levels: Record<FindingLevel, number> = { ok: 0, note: 0, warning: 0, problem: 0 };
    for await (const finding of examine(call)) {
      levels[finding.level] += 1;
      if (values.json === true) await terminal.json(asPrinted(finding));
      else await print(terminal, asPrinted(finding));
    }
    if (values.json !== true) {
      const [problems, warnings] = [count(levels.problem, 'problem'), count(levels.warning, 'warning')];
      await terminal.line(`${problems}, ${warnings}`);
    }
    return levels.problem > 0 || (values.strict === true && levels.warning > 0) ? EXIT.no : EXIT.done;
  },
};

/** Each as soon as it is known: a store that stops answering half-way has been told about until then. */
async function* examine({ open, values }: CommandCall): AsyncGenerator<Finding> {
  let warning: string | undefined;
  const store = await open((message) => (warning = message));
  yield findings.connected(store.description);
  yield* await lookAtServer(store);
  yield* await lookAtClock(async () => store.now(), ROUNDS);
  if (values['read-only'] === true) yield findings.noTrial();
  else yield* await tryLock(store, () => warning);
  yield* await lookForStaleLeases(store);
  yield* await lookForOrphans(store);
}

async function lookAtServer(store: OpenStore): Promise<readonly Finding[]> {
  try {
    return await store.call('examine', [], async (asked) => asked.examine('full'));
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    return [findings.notExamined(error.message)];
  }
}

/** A finding about one of several servers names the server. */
function asPrinted({ level, subject, server, message, remedy }: Finding): Finding {
  const about = server === undefined ? subject : `${subject} (${server})`;
  return { level, subject: about, message, ...(remedy !== undefined && { remedy }) };
}

async function print(terminal: Terminal, { level, subject, message, remedy }: Finding): Promise<void> {
  const mark = terminal.style(STYLES[level], level.padEnd(7));
  await terminal.line(`${mark}  ${printableMessage(`${subject}: ${message}`)}`);
  if (remedy !== undefined) await terminal.line(`         ${printableMessage(remedy)}`);
}
