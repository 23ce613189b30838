/*
 * As they are when the library is loaded. Fake timers replace them, and a hand-off would wait for a test to run them;
 * timers and clocks stay those of the moment, so that a test which fakes time moves timeouts and leases with it.
 */
const nextTick = process.nextTick.bind(process);
const { queueMicrotask, setImmediate } = globalThis;

export { nextTick, queueMicrotask, setImmediate };
