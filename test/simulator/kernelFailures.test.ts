// How a run fails: at once, with what went wrong, and with the calls that wait.

import { describe, expect, it } from 'vitest';
import { Kernel, type KernelOptions } from '../../simulator/kernel.ts';

const createKernel = (options: Partial<KernelOptions> = {}) =>
  new Kernel({ startMs: 1000, deadlineMs: 10_000, everyEventEntering: false, ...options });

const never = () => new Promise<void>(() => {});

function fail(): never {
  throw new Error('planted');
}

describe('a run rejects', () => {
  it.each<[string, (kernel: Kernel) => (() => Promise<void>) | undefined]>([
    [
      'a pure handler threw',
      kernel => {
        kernel.schedule(1001, kernel.pure(fail));
        return undefined;
      },
    ],
    [
      'an entering handler threw',
      kernel => {
        kernel.schedule(1001, kernel.entering(fail));
        return undefined;
      },
    ],
    [
      'a daemon threw while work was under way',
      kernel => {
        kernel.schedule(1001, kernel.daemon(fail));
        kernel.schedule(
          1002,
          kernel.pure(() => {}),
        );
        return never;
      },
    ],
    ['its work threw before its first wait', () => fail],
    [
      'its work rejected later',
      kernel => async () => {
        await new Promise<void>(resolve => kernel.resumeAt(1005, resolve));
        fail();
      },
    ],
    [
      'a resumer threw',
      kernel => () => {
        kernel.resumeAt(1005, fail);
        return never();
      },
    ],
    [
      'the announcement of an event threw',
      kernel => {
        kernel.schedule(
          1001,
          kernel.pure(() => {}),
        );
        return undefined;
      },
    ],
  ])('with the cause when %s', async (name, plant) => {
    const kernel = createKernel(name.startsWith('the announcement') ? { beforeEvent: fail } : {});
    await expect(kernel.run(plant(kernel))).rejects.toThrow('planted');
  });

  it('and runs no event after a failure', async () => {
    const kernel = createKernel();
    let ran = 0;
    kernel.schedule(1001, kernel.pure(fail));
    kernel.schedule(
      1002,
      kernel.pure(() => ran++),
    );
    await expect(kernel.run()).rejects.toThrow('planted');
    await new Promise<void>(resolve => setImmediate(resolve));
    expect(ran).toBe(0);
  });
});

describe('work that cannot go on', () => {
  it('is named when no event is left, with the calls that are parked and not those that were answered', async () => {
    const kernel = createKernel();
    const waiting = new Set(['GET https://answered.example', 'GET https://waiting.example']);
    kernel.nameParked(() => waiting);
    waiting.delete('GET https://answered.example');
    const failure = await kernel.run(never).catch(error => error);
    expect(failure.code).toBe('SIMULATION');
    expect(failure.message).toMatch(/no event is left .* at 0 ms, after 1 events; parked calls:/);
    expect(failure.message).toContain('GET https://waiting.example');
    expect(failure.message).not.toContain('answered');
  });

  it('names ten parked calls and counts the rest', async () => {
    const kernel = createKernel();
    kernel.nameParked(() => Array.from({ length: 12 }, (_, i) => `call ${i}.`));
    const { message } = await kernel.run(never).catch(error => error);
    expect(message).toContain('call 9.');
    expect(message).not.toContain('call 10.');
    expect(message).toContain('and 2 more');
  });

  it('does not hide behind a daemon', async () => {
    const kernel = createKernel();
    const beat = kernel.daemon(() => void kernel.schedule(kernel.nowMs + 10, beat));
    kernel.schedule(1010, beat);
    await expect(kernel.run(never)).rejects.toMatchObject({ code: 'SIMULATION' });
  });

  it('is called a leak when it waits for the real world', async () => {
    const kernel = createKernel();
    const leak = () => new Promise<void>(resolve => setTimeout(resolve, 1));
    const failure = await kernel.run(leak).catch(error => error);
    expect(failure.code).toBe('SIMULATION');
    expect(failure.message).toContain('none: the work waits for something else: a leak to real I/O');
  });

  it('is stopped at the deadline, with the calls that are parked', async () => {
    const kernel = createKernel();
    kernel.nameParked(() => ['GET https://slow.example']);
    const again = kernel.pure(() => void kernel.schedule(kernel.nowMs + 500, again));
    kernel.schedule(1500, again);
    const failure = await kernel.run(never).catch(error => error);
    expect(failure.code).toBe('SIMULATION');
    expect(failure.message).toContain('past its deadline');
    expect(failure.message).toContain('GET https://slow.example');
  });

  it('may end at the deadline itself', async () => {
    const kernel = createKernel();
    const main = () => new Promise<void>(resolve => kernel.resumeAt(10_000, resolve));
    expect(await kernel.run(main)).toBe(true);
  });
});
