import type { Command } from '../command.interface.js';
import { doctor } from './doctor.js';
import { inspect } from './inspect.js';
import { leaders } from './leaders.js';
import { list } from './list.js';
import { release } from './release.js';
import { stats } from './stats.js';
import { ticks } from './ticks.js';
import { watch } from './watch.js';

/** In the order of help. */
export const COMMANDS: readonly Command[] = [list, inspect, watch, release, leaders, ticks, stats, doctor];
