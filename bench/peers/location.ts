import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

/** The peers' own package, with an install of its own, seen from the compiled bench in `dist-bench/peers`. */
export const PEERS_FOLDER = fileURLToPath(new URL('../../bench/peers/', import.meta.url));

/** Loads from the peers' own installation, without types: each adapter declares what it uses. */
export const requirePeer = createRequire(`${PEERS_FOLDER}package.json`);
