// How a worker tells the main thread how far it is: in whole parts, since shared memory holds integers.

export const PARTS = 1_000_000;
