// @ts-check
import { once } from 'node:events';
import { connect } from 'node:net';

/**
 * Resolves if the server lets a client in: it begins the protocol, and looks at the kind of the first answer.
 *
 * @param {number} port
 */
export async function ping(port) {
  const socket = connect(port, '127.0.0.1').setTimeout(2_000);
  try {
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
    const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
    const head = Buffer.alloc(8);
    head.writeInt32BE(head.length + parameters.length, 0);
    // Version 3.0 of the protocol.
    head.writeInt32BE(0x3_00_00, 4);
    socket.write(Buffer.concat([head, parameters]));
    const [answer] = /** @type {[Buffer]} */ (await once(socket, 'data'));
    // R: no password is asked for.
    if (answer.toString('latin1', 0, 1) !== 'R') throw new Error(answer.toString('latin1', 5));
  } finally {
    socket.destroy();
  }
}
