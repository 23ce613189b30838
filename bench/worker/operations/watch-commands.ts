import { Redis } from 'ioredis';
import { now } from '../../clock.js';

export interface Traffic {
  readonly commands: number;
  /** Milliseconds in which at least one command had no answer yet. */
  readonly busyMs: number;
}

/** Observes every command that this process sends, until `end()`. */
export function watchCommands(): { end: () => Traffic } {
  let commands = 0;
  let pending = 0;
  let busySince = 0;
  let busyMs = 0;
  const settled = (): void => {
    if (--pending === 0) busyMs += now() - busySince;
  };
  const client = Redis.prototype;
  const original = Object.getOwnPropertyDescriptor(client, 'sendCommand')?.value as typeof client.sendCommand;
  client.sendCommand = function (command, stream) {
    commands++;
    if (pending++ === 0) busySince = now();
    command.promise.then(settled, settled);
    return original.call(this, command, stream);
  };
  return {
    end() {
      client.sendCommand = original;
      return { commands, busyMs };
    },
  };
}
