// What the kernel promises: the order of events, and that real async code runs to its next wait between two of them.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { drawUniform, PURPOSE } from '../../scenarios/draw.ts';
import { Kernel, type KernelOptions } from '../../simulator/kernel.ts';
import { Machine } from '../../simulator/machine.ts';

const createKernel = (options: Partial<KernelOptions> = {}) =>
  new Kernel({ startMs: 1000, deadlineMs: 1e9, everyEventEntering: false, ...options });

const sleepOf = (kernel: Kernel) => (ms: number) =>
  new Promise<void>(resolve => kernel.resumeAt(kernel.nowMs + ms, resolve));

describe('events', () => {
  it('run in the order of time, and of scheduling where the time is the same', async () => {
    const kernel = createKernel();
    const seen: number[] = [];
    const note = kernel.pure(argument => seen.push(argument));
    const enter = kernel.entering(argument => seen.push(argument));
    kernel.schedule(1030, note, 5);
    kernel.schedule(1010, enter, 1);
    kernel.schedule(1010, note, 2);
    kernel.schedule(1020, enter, 4);
    kernel.schedule(1010, enter, 3);
    expect(await kernel.run()).toBe(true);
    expect(seen).toEqual([1, 2, 3, 4, 5]);
    expect([kernel.nowMs, kernel.events]).toEqual([1030, 5]);
  });

  it('of the past run now, after what is already due now', async () => {
    const kernel = createKernel();
    const seen: [number, number][] = [];
    const note = kernel.pure(argument => seen.push([argument, kernel.nowMs]));
    const first = kernel.pure(() => {
      kernel.schedule(0, note, 2);
    });
    kernel.schedule(1010, first);
    kernel.schedule(1010, note, 1);
    await kernel.run();
    expect(seen).toEqual([
      [1, 1010],
      [2, 1010],
    ]);
  });

  it('do not run once they are cancelled', async () => {
    const kernel = createKernel();
    const seen: number[] = [];
    const note = kernel.pure(argument => seen.push(argument));
    const slots = [1, 2, 3].map(i => kernel.schedule(1000 + i, note, i));
    kernel.cancel(slots[1]);
    await kernel.run();
    expect(seen).toEqual([1, 3]);
  });

  it.each([
    ['run back to back when they are pure', false, ['a', 'b', 'microtask of a', 'microtask of b']],
    [
      'are drained one by one when all count as entering',
      true,
      ['a', 'microtask of a', 'b', 'microtask of b'],
    ],
  ])('%s', async (_, everyEventEntering, expected) => {
    const kernel = createKernel({ everyEventEntering });
    const seen: string[] = [];
    const event = kernel.pure(argument => {
      const name = argument === 0 ? 'a' : 'b';
      seen.push(name);
      void Promise.resolve().then(() => seen.push(`microtask of ${name}`));
    });
    kernel.schedule(1001, event, 0);
    kernel.schedule(1002, event, 1);
    await kernel.run();
    await Promise.resolve();
    expect(seen).toEqual(expected);
  });

  it('are announced one by one before they run', async () => {
    const told: [number, number][] = [];
    let ran = 0;
    const kernel = createKernel({ beforeEvent: events => told.push([events, ran]) });
    const event = kernel.pure(() => ran++);
    for (let i = 0; i < 4; i++) kernel.schedule(1000 + i, event);
    await kernel.run();
    expect(told).toEqual([0, 1, 2, 3].map(i => [i, i]));
  });
});

/** Async code without a wait of its own, of every shape that real code has. */
const CHAINS: readonly [string, () => Promise<unknown>][] = [
  [
    'fifty awaits deep',
    async () => {
      const deep = async (depth: number): Promise<number> => (depth === 0 ? 0 : 1 + (await deep(depth - 1)));
      return deep(50);
    },
  ],
  ['through Promise.all', () => Promise.all(Array.from({ length: 20 }, async (_, i) => await await i))],
  [
    'through an async generator',
    async () => {
      async function* count() {
        for (let i = 0; i < 20; i++) yield Promise.resolve(i);
      }
      for await (const each of count()) await each;
    },
  ],
  [
    'through a catch and a finally',
    () =>
      Promise.reject(1)
        .catch(() => {})
        .finally(async () => await null),
  ],
  // biome-ignore lint/suspicious/noThenProperty: a thenable is what is tried here
  ['through a thenable', async () => await { then: (resolve: (value: number) => void) => resolve(1) }],
  [
    'through queueMicrotask',
    () => new Promise<void>(resolve => queueMicrotask(() => queueMicrotask(resolve))),
  ],
];

describe('an entering event', () => {
  it.each(CHAINS)('lets its async code run to the end before the next event: %s', async (_, chain) => {
    const kernel = createKernel();
    const seen: string[] = [];
    const enter = kernel.entering(() => void chain().then(() => seen.push('chain ended')));
    const next = kernel.pure(() => seen.push('next event'));
    kernel.schedule(1001, enter);
    kernel.schedule(1001, next);
    await kernel.run();
    expect(seen).toEqual(['chain ended', 'next event']);
  });

  it('resumes what sleeps at its moment', async () => {
    const kernel = createKernel();
    const sleep = sleepOf(kernel);
    const seen: [string, number][] = [];
    await kernel.run(async () => {
      await Promise.all(
        [30, 10, 20].map(async ms => {
          await sleep(ms);
          seen.push(['first', kernel.nowMs]);
          await sleep(ms * 10);
          seen.push(['second', kernel.nowMs]);
        }),
      );
      await sleep(0);
      seen.push(['end', kernel.nowMs]);
    });
    expect(seen).toEqual([
      ['first', 1010],
      ['first', 1020],
      ['first', 1030],
      ['second', 1110],
      ['second', 1220],
      ['second', 1330],
      ['end', 1330],
    ]);
  });
});

describe('a run', () => {
  it('without work ends when only daemons are left', async () => {
    const kernel = createKernel();
    let beats = 0;
    const beat = kernel.daemon(() => {
      beats++;
      kernel.schedule(kernel.nowMs + 10, beat);
    });
    kernel.schedule(1010, beat);
    kernel.schedule(
      1055,
      kernel.pure(() => {}),
    );
    expect(await kernel.run()).toBe(true);
    expect([beats, kernel.nowMs]).toEqual([5, 1055]);
  });

  it('without any event ends at once', async () => {
    expect(await createKernel().run()).toBe(true);
  });

  it('forgets a daemon that was cancelled', async () => {
    const kernel = createKernel();
    const daemon = kernel.daemon(() => {});
    kernel.cancel(kernel.schedule(1001, daemon));
    let ran = false;
    kernel.schedule(
      1002,
      kernel.pure(() => void (ran = true)),
    );
    await kernel.run();
    expect(ran).toBe(true);
  });

  it('ends with its work, and leaves later events alone', async () => {
    const kernel = createKernel();
    let ran = false;
    kernel.schedule(
      5000,
      kernel.pure(() => void (ran = true)),
    );
    await kernel.run(() => sleepOf(kernel)(10));
    expect([ran, kernel.nowMs]).toEqual([false, 1010]);
  });

  it('stops within 4,096 events of the stop flag', async () => {
    let polls = 0;
    const kernel = createKernel({ poll: () => ++polls === 3 });
    const again = kernel.pure(() => void kernel.schedule(kernel.nowMs + 1, again));
    kernel.schedule(1001, again);
    expect(await kernel.run()).toBe(false);
    expect(kernel.events).toBe(2 * 4096);
  });
});

/** Processes that sleep, meet at a queue and wake each other, drawn from `seed`. */
async function traceOf(seed: number, everyEventEntering: boolean): Promise<string[]> {
  const kernel = createKernel({ everyEventEntering });
  const sleep = sleepOf(kernel);
  const trace: string[] = [];
  const waiting: (() => void)[] = [];
  const tick = kernel.pure(argument => trace.push(`tick ${argument} at ${kernel.nowMs}`));
  const draw = (...key: number[]) => Math.floor(drawUniform(seed, PURPOSE.bench, key) * 6);
  const walk = async (id: number) => {
    for (let i = 0; i < 12; i++) {
      kernel.schedule(kernel.nowMs + draw(id, i, 0), tick, id);
      await sleep(draw(id, i, 1));
      if (draw(id, i, 2) === 0) await new Promise<void>(resolve => waiting.push(resolve));
      else waiting.shift()?.();
      trace.push(`${id} step ${i} at ${kernel.nowMs}`);
    }
  };
  const beat = kernel.daemon(() => void kernel.schedule(kernel.nowMs + 2, beat));
  kernel.schedule(1000, beat);
  await kernel.run(async () => {
    let left = 5;
    for (let id = 0; id < 5; id++) void walk(id).then(() => left--);
    while (left > 0) {
      await sleep(3);
      waiting.shift()?.();
    }
  });
  return trace;
}

describe('draining after every event', () => {
  it('changes no trace', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async seed => {
        expect(await traceOf(seed, true)).toEqual(await traceOf(seed, false));
      }),
      { seed: 1, numRuns: 50 },
    );
  });
});

describe('a machine', () => {
  it('never runs a dead generation again, and starts the next one at once with nothing but its stores', async () => {
    const kernel = createKernel();
    const seen: string[] = [];
    let born = 0;
    const machine: Machine = new Machine(kernel, async generation => {
      const name = `generation ${born++}`;
      for (let i = 0; i < 3; i++) {
        await new Promise<void>(resolve =>
          kernel.resumeAt(kernel.nowMs + 10, () => {
            if (generation.alive) resolve();
          }),
        );
        seen.push(`${name} at ${kernel.nowMs}`);
      }
    });
    kernel.schedule(
      1015,
      kernel.pure(() => machine.crash()),
    );
    await kernel.run(() => machine.run());
    expect(seen).toEqual([
      'generation 0 at 1010',
      'generation 1 at 1025',
      'generation 1 at 1035',
      'generation 1 at 1045',
    ]);
  });

  it('does not end with a dead generation, though its code ran on', async () => {
    const kernel = createKernel();
    const machine: Machine = new Machine(kernel, () => sleepOf(kernel)(10));
    kernel.schedule(
      1005,
      kernel.pure(() => machine.crash()),
    );
    await kernel.run(() => machine.run());
    expect(kernel.nowMs).toBe(1015);
  });

  it('ends with what its program threw', async () => {
    const kernel = createKernel();
    const machine = new Machine(kernel, async () => {
      await sleepOf(kernel)(1);
      throw new Error('the program is broken');
    });
    await expect(kernel.run(() => machine.run())).rejects.toThrow('the program is broken');
  });
});
