import { normalizeKeys } from '../../engine/options/lock-keys.js';
import { keyIsFree } from '../cli.messages.js';
import type { Command } from '../command.interface.js';
import { EXIT } from '../exit-code.js';
import { lookAt, viewLines } from '../lock-view.js';

export const inspect: Command = {
  name: 'inspect',
  usage: '<key>',
  summary: 'the holder of a key, its token and time to live, and the queue in order',
  arguments: [1, 1],
  options: {},
  run: async ({ positionals, values, terminal, open }) => {
    const [key = ''] = normalizeKeys(positionals, true);
    const found = await lookAt(await open(), key);
    if (values.json === true) {
      await terminal.json(found?.view ?? { key, held: false });
      return found ? EXIT.done : EXIT.no;
    }
    if (!found) {
      terminal.note(keyIsFree(key));
      return EXIT.no;
    }
    for (const line of viewLines(found.view)) await terminal.line(line);
    return EXIT.done;
  },
};
