// How the kernel lets real async code run between two events. Node empties the microtask queue before it takes the next
// tick; so a microtask that asks for a tick comes back when all that an event woke has run until it waits again.

// Taken when the module loads, before a worker seals itself.
const { nextTick } = process;
const settled = Promise.resolve();

/** A function that runs `step` after all microtasks. `then` costs less than `queueMicrotask`, which makes a resource. */
export function createDrain(step: () => void): () => void {
  const tick = () => nextTick(step);
  return () => void settled.then(tick);
}
