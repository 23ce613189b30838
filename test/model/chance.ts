import { jest } from '@jest/globals';

/** From now on the engine draws the same lots in every run, so that a schedule that has failed fails again. */
export function fixChance(): void {
  let state = 1;
  jest.spyOn(Math, 'random').mockImplementation(() => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  });
}
