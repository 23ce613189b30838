// @ts-check
import { connect } from 'node:net';

/**
 * Resolves when the server answers PING, and rejects otherwise. It compares the process id, as another server may have
 * taken the port and answer in place of ours.
 *
 * @param {{ port: number, password?: string | undefined, pid: number }} server
 */
export async function ping({ port, password, pid }) {
  const commands = [['PING'], ['INFO', 'server'], ['QUIT']];
  if (password) commands.unshift(['AUTH', password]);
  const reply = await exchange(port, commands.map(encode).join(''));
  if (!reply.includes('+PONG\r\n')) throw new Error(`no PONG from port ${port}: ${reply.split('\r\n')[0]}`);
  if (!reply.includes(`\r\nprocess_id:${pid}\r\n`)) throw new Error(`another server answers on port ${port}`);
}

/** @param {readonly string[]} parts */
function encode(parts) {
  return [`*${parts.length}`, ...parts.flatMap((part) => [`$${Buffer.byteLength(part)}`, part]), ''].join('\r\n');
}

/**
 * @param {number} port
 * @param {string} request
 * @returns {Promise<string>} all that came until the server closed the connection
 */
function exchange(port, request) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(request)).setEncoding('utf8');
    let reply = '';
    socket.on('data', (chunk) => {
      reply += chunk;
      // QUIT comes last; sentinels do not know it.
      if (/^-ERR unknown command .?QUIT/im.test(reply)) socket.end();
    });
    socket.on('end', () => resolve(reply));
    socket.on('error', reject);
    socket.setTimeout(1_000, () => socket.destroy(new Error(`no answer from port ${port}`)));
  });
}
