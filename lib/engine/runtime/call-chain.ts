/** One of the calls that are around the present one. */
export interface ChainedCall<Call> {
  outer: Call | undefined;
}

/**
 * The innermost call around the present one that has not ended. Those that have are taken out of the chain for good: a
 * job that schedules its own next run would make it longer with each.
 *
 * @param present - what the async context holds
 */
export function innermostRunning<Call extends ChainedCall<Call>>(
  present: Call | undefined,
  isRunning: (call: Call) => boolean,
): Call | undefined {
  let innermost = present;
  while (innermost && !isRunning(innermost)) innermost = innermost.outer;
  for (let call = innermost; call; call = call.outer) {
    while (call.outer && !isRunning(call.outer)) call.outer = call.outer.outer;
  }
  return innermost;
}
