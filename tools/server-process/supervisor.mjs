// @ts-check
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/**
 * How to run a server. `{dir}` in an argument stands for its directory, to which names of files are relative.
 *
 * @typedef {object} StartRequest
 * @property {string} command
 * @property {readonly string[]} args
 * @property {readonly { name: string, text: string, keeps?: boolean }[]} [files] written first; an existing file that
 *   `keeps` is left as it is
 * @property {readonly { from: string, to: string }[]} [copies] folders to copy first, unless they exist
 * @property {readonly string[]} [removes] files to remove first
 * @property {{ uid: number, gid: number }} [user] the user that runs the server and owns its directory
 * @property {NodeJS.Signals} [stopSignal] SIGTERM if not given
 */

const watchdogFile = fileURLToPath(new URL('./watchdog.mjs', import.meta.url));

/** This process's end of the watchdog. It keeps the event loop alive only while something is awaited. */
export class Supervisor {
  /**
   * The last server that ended, and its log.
   *
   * @type {{ pid: number, log: string } | undefined}
   */
  lastExit;

  #child = fork(watchdogFile, [], {
    // Its own session: Ctrl-C in a terminal goes to the whole process group and must not hit the watchdog or the server.
    detached: true,
    execArgv: [],
    // Options for this process, such as --inspect-brk, are not meant for the watchdog.
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });

  #gone = once(this.#child, 'exit');

  constructor() {
    this.#unref();
    this.#child.on('message', (/** @type {any} */ message) => {
      if (message.type === 'exited') this.lastExit = message;
    });
  }

  /**
   * Ends the running server if there is one, and starts another.
   *
   * @param {StartRequest} request
   * @returns {Promise<{ pid: number, dir: string }>}
   */
  async start(request) {
    this.#ref();
    try {
      return await this.#ask(request);
    } finally {
      this.#unref();
    }
  }

  /** Ends the server and the watchdog. */
  async close() {
    this.#ref();
    if (this.#child.connected) this.#child.disconnect();
    await this.#gone;
  }

  /**
   * @param {StartRequest} request
   * @returns {Promise<{ pid: number, dir: string }>}
   */
  #ask(request) {
    return new Promise((resolve, reject) => {
      const child = this.#child;
      /** @param {any} message */
      const onMessage = (message) => {
        if (message.type === 'started') settle(() => resolve(message));
        if (message.type === 'failed') settle(() => reject(new Error(message.message)));
      };
      /** @param {unknown} cause */
      const onEnd = (cause) => settle(() => reject(new Error('The watchdog of the server ended', { cause })));
      /** @param {() => void} action */
      const settle = (action) => {
        child.off('message', onMessage).off('exit', onEnd).off('error', onEnd);
        action();
      };
      child.on('message', onMessage).on('exit', onEnd).on('error', onEnd);
      child.send(request, (error) => {
        if (error) onEnd(error);
      });
    });
  }

  #ref() {
    this.#child.ref();
    this.#child.channel?.ref();
  }

  #unref() {
    this.#child.unref();
    this.#child.channel?.unref();
  }
}
