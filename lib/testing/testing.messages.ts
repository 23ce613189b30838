import { quote } from '../errors/quote.js';

/** @param held - the keys that the application under test holds */
export const movesClockItself = (held: readonly string[], standstill: number): string =>
  `app.close() waits for jobs under locks, and the ManualClock has stood still for ${String(standstill)} ms: from here on it moves by itself until drainTimeout is over. ${
    held.length === 0
      ? ''
      : `Still held: ${held
          .slice(0, 5)
          .map((key) => quote(key))
          .join(', ')}${held.length > 5 ? ` and ${String(held.length - 5)} more` : ''}. `
  }End the jobs before app.close(), or move the clock: const closing = app.close(); await control.clock.advance('10s'); await closing.`;
