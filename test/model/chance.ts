import { jest } from '@jest/globals';

/** Makes the engine draw the same random numbers in every run, so that a schedule that has failed fails again. */
export function fixChance(): void {
  let state = 1;
  jest.spyOn(Math, 'random').mockImplementation(() => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  });
}
