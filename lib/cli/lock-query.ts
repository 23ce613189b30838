import { readChoice } from './arguments.js';
import type { CommandCall, OptionSpec } from './command.interface.js';
import { lockFilter, FILTER_OPTIONS } from './lock-filter.js';
import { ORDERS, sorter, StoreClock, toLockRow, type LockRow, type Order } from './lock-row.js';
import type { OpenStore } from './store/open-store.js';

const names = Object.keys(ORDERS) as Order[];

/** The options of commands that show several locks. */
export function queryOptions(defaultOrder: Order): Readonly<Record<string, OptionSpec>> {
  return {
    ...FILTER_OPTIONS,
    sort: { type: 'string', value: 'BY', help: `${names.join(', ')} (the default is ${defaultOrder})` },
    reverse: { type: 'boolean', help: 'the other way round' },
  };
}

/** Which locks a command shows, and in which order. */
export class LockQuery {
  readonly compare: (one: LockRow, other: LockRow) => number;

  /** Whether an order was asked for. */
  readonly isSorted: boolean;

  /** @throws CommandError for options that cannot be */
  constructor(
    private readonly call: CommandCall,
    defaultOrder: Order,
  ) {
    const { values } = call;
    const order = readChoice(values, 'sort', names);
    this.isSorted = order !== undefined;
    this.compare = sorter(order ?? defaultOrder, values.reverse === true);
  }

  async *rows(store: OpenStore): AsyncGenerator<LockRow> {
    const { values, positionals } = this.call;
    const clock = await StoreClock.of(store);
    const matches = lockFilter(values);
    for await (const lease of store.list(positionals[0])) if (matches(lease)) yield toLockRow(lease, clock);
  }
}
