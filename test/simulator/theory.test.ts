// The kernel against queueing theory: the mean wait must lie in the interval that the sample itself gives, and a
// service that is 5 % too slow must fall out of it.

import { describe, expect, it } from 'vitest';
import { meanInterval } from '../../reports/statistics.ts';
import { drawUniform, PURPOSE } from '../../scenarios/draw.ts';
import { Kernel } from '../../simulator/kernel.ts';

const REPLICATIONS = 20;
const CUSTOMERS = 20_000;
/** Customers that find the queue not yet full: not counted. */
const LEAD_IN = 4000;
const CONFIDENCE = 0.999;
/** The share of customers of an M/M/1 that wait longer than this is checked too. */
const LONG_WAIT = 3;

/** Mean service time is 1, so the load is `load` on each of `servers`. */
type Queue = {
  readonly name: string;
  readonly servers: number;
  readonly load: number;
  readonly service: 'exponential' | 'constant';
};

type Sample = { readonly meanWait: number; readonly shareOfLongWaits: number };

const createKernel = (everyEventEntering = false) =>
  new Kernel({ startMs: 0, deadlineMs: Number.POSITIVE_INFINITY, everyEventEntering });

/** Draws of one replication: no two customers share one. */
function drawsOf({ servers, load, service }: Queue, seed: number, slowness: number) {
  const exponential = (key: readonly number[]) => -Math.log(1 - drawUniform(seed, PURPOSE.bench, key));
  return {
    gapBefore: (customer: number) => exponential([customer, 0]) / (load * servers),
    serviceOf: (customer: number) => slowness * (service === 'constant' ? 1 : exponential([customer, 1])),
  };
}

function createTally() {
  let counted = 0;
  let sum = 0;
  let long = 0;
  return {
    add(customer: number, wait: number) {
      if (customer < LEAD_IN) return;
      counted++;
      sum += wait;
      if (wait > LONG_WAIT) long++;
    },
    sample: (): Sample => ({ meanWait: sum / counted, shareOfLongWaits: long / counted }),
  };
}

/** Arrival and departure as pure events. */
async function sampleOf(queue: Queue, seed: number, slowness: number): Promise<Sample> {
  const kernel = createKernel();
  const { gapBefore, serviceOf } = drawsOf(queue, seed, slowness);
  const tally = createTally();
  const total = LEAD_IN + CUSTOMERS;
  const arrivedAt = new Float64Array(total);
  let busy = 0;
  let head = 0;
  let tail = 0;
  const serve = (customer: number) => {
    tally.add(customer, kernel.nowMs - arrivedAt[customer]);
    kernel.schedule(kernel.nowMs + serviceOf(customer), departure);
  };
  const departure = kernel.pure(() => {
    if (head < tail) serve(head++);
    else busy--;
  });
  const arrival = kernel.pure(customer => {
    arrivedAt[customer] = kernel.nowMs;
    tail++;
    if (customer + 1 < total) kernel.schedule(kernel.nowMs + gapBefore(customer + 1), arrival, customer + 1);
    if (busy === queue.servers) return;
    busy++;
    serve(head++);
  });
  kernel.schedule(0, arrival, 0);
  await kernel.run();
  return tally.sample();
}

/** The same queue with one async function a customer. */
async function sampleOfAsync(queue: Queue, seed: number): Promise<Sample> {
  const kernel = createKernel();
  const { gapBefore, serviceOf } = drawsOf(queue, seed, 1);
  const tally = createTally();
  const waiting: (() => void)[] = [];
  let head = 0;
  let busy = 0;
  const customer = async (index: number) => {
    const arrivedAt = kernel.nowMs;
    if (busy === queue.servers) await new Promise<void>(resolve => waiting.push(resolve));
    else busy++;
    tally.add(index, kernel.nowMs - arrivedAt);
    await new Promise<void>(resolve => kernel.resumeAt(kernel.nowMs + serviceOf(index), resolve));
    if (head < waiting.length) waiting[head++]();
    else busy--;
  };
  const arrival = kernel.entering(index => {
    if (index + 1 < LEAD_IN + CUSTOMERS)
      kernel.schedule(kernel.nowMs + gapBefore(index + 1), arrival, index + 1);
    void customer(index);
  });
  kernel.schedule(0, arrival, 0);
  await kernel.run();
  return tally.sample();
}

async function samplesOf(queue: Queue, slowness = 1): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (let i = 0; i < REPLICATIONS; i++) samples.push(await sampleOf(queue, 1000 + i, slowness));
  return samples;
}

/** Probability that a customer of an M/M/c has to wait: Erlang's C formula (1917), by the recursion of his B. */
function erlangC(servers: number, load: number): number {
  const offered = servers * load;
  let blocked = 1;
  for (let n = 1; n <= servers; n++) blocked = (offered * blocked) / (n + offered * blocked);
  return blocked / (1 - load * (1 - blocked));
}

/** In service times. M/D/1 by Pollaczek (1930) and Khinchine (1932). */
function meanWaitOf({ servers, load, service }: Queue): number {
  if (service === 'constant') return load / (2 * (1 - load));
  return erlangC(servers, load) / (servers * (1 - load));
}

const isWithin = (values: readonly number[], expected: number): boolean => {
  const { low, high } = meanInterval(values, CONFIDENCE)!;
  return low <= expected && expected <= high;
};

const QUEUES: readonly Queue[] = [
  { name: 'M/M/1 at 50 %', servers: 1, load: 0.5, service: 'exponential' },
  { name: 'M/M/1 at 80 %', servers: 1, load: 0.8, service: 'exponential' },
  { name: 'M/M/10 at 90 %', servers: 10, load: 0.9, service: 'exponential' },
  { name: 'M/D/1 at 70 %', servers: 1, load: 0.7, service: 'constant' },
];

describe('the formulas', () => {
  it.each([
    ['M/M/1 at 50 %', 1, 0.5, 0.5],
    ['M/M/2 at 75 %', 2, 0.75, 9 / 14],
    ['M/M/10 at 90 %', 10, 0.9, 0.668732],
  ])('agree with the published value of Erlang C: %s', (_, servers, load, expected) => {
    expect(erlangC(servers, load)).toBeCloseTo(expected, 5);
  });
});

describe.each(QUEUES)('$name', queue => {
  it('waits as long as theory says', async () => {
    const samples = await samplesOf(queue);
    const waits = samples.map(({ meanWait }) => meanWait);
    expect(meanInterval(waits, CONFIDENCE)!.low).toBeLessThan(meanWaitOf(queue));
    expect(meanInterval(waits, CONFIDENCE)!.high).toBeGreaterThan(meanWaitOf(queue));
    if (queue.servers > 1 || queue.service === 'constant') return;
    const longWaits = samples.map(({ shareOfLongWaits }) => shareOfLongWaits);
    expect(isWithin(longWaits, queue.load * Math.exp(-(1 - queue.load) * LONG_WAIT))).toBe(true);
  });

  it.each([1.05, 1 / 1.05])('is found wrong when the service takes %f times as long', async slowness => {
    const waits = (await samplesOf(queue, slowness)).map(({ meanWait }) => meanWait);
    expect(isWithin(waits, meanWaitOf(queue))).toBe(false);
  });

  it('gives the same waits with one async function a customer, to the bit', async () => {
    expect(await sampleOfAsync(queue, 1000)).toEqual(await sampleOf(queue, 1000, 1));
  });
});
