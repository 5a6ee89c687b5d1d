// A process of our own, as its parent has it: asked, stopped, killed, and orphaned.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { type Child, startChild } from '../../rig/child.ts';
import { isAlive } from '../processes.ts';

const ENTRY = new URL('./childMain.ts', import.meta.url);
const CHILD = new URL('../../rig/child.ts', import.meta.url).href;

const children: Child[] = [];
/** Those of a parent that is not gone with all that it started. */
const orphans = new Map<ChildProcess, number>();
afterEach(async () => {
  for (const child of children) child.kill();
  await Promise.allSettled(children.splice(0).map(child => child.stop()));
  for (const id of orphans.values()) process.kill(id, 'SIGKILL');
  orphans.clear();
});

async function startOne(spec: unknown = {}): Promise<Child> {
  const child = await startChild({ entry: ENTRY, spec });
  children.push(child);
  return child;
}

describe('a child', () => {
  it('gets its spec, says when it is ready, and answers each question with its own answer', async () => {
    const spec = { region: 'us-west1', seed: 7 };
    const child = await startOne(spec);
    expect(child.ready).toEqual({ spec, pid: child.pid });
    expect(child.pid).not.toBe(process.pid);
    const questions = Array.from({ length: 20 }, (_, n) => child.ask('echo', { n }));
    expect(await Promise.all(questions)).toEqual(Array.from({ length: 20 }, (_, n) => ({ n })));
  });

  it('says what it failed at, and answers on', async () => {
    const child = await startOne();
    await expect(child.ask('fail')).rejects.toThrow('it failed at it');
    await expect(child.ask('riddle')).rejects.toThrow('does not know such a question');
    expect(await child.ask('echo', 1)).toBe(1);
  });

  it('that cannot begin is gone, and says why', async () => {
    const listeners = process.listenerCount('exit');
    await expect(startOne({ fails: true })).rejects.toThrow('it cannot begin');
    await expect(
      startChild({ entry: ENTRY, spec: {}, wrapper: ['no-such-program-anywhere'] }),
    ).rejects.toThrow(/cannot be started: .*ENOENT/);
    expect(process.listenerCount('exit')).toBe(listeners);
  });

  it('ends with its last word when it is stopped, and leaves nothing with its parent', async () => {
    const listeners = process.listenerCount('exit');
    const child = await startOne();
    expect(await child.stop()).toBe('the last word');
    expect(isAlive(child.pid)).toBe(false);
    expect(process.listenerCount('exit')).toBe(listeners);
    await expect(child.ask('echo', 1)).rejects.toThrow('has ended');
  });

  it.each<[string, (child: Child) => void, RegExp]>([
    ['is killed', child => child.kill(), /ended with SIGKILL/],
    ['ends by itself', child => void child.ask('exit', 3).catch(() => {}), /ended with code 3/],
  ])('that %s leaves no question open', async (_how, end, message) => {
    const child = await startOne();
    const asked = child.ask('hang');
    end(child);
    await expect(asked).rejects.toThrow(message);
    await expect(child.ask('echo', 1)).rejects.toThrow('has ended');
    await expect(child.stop()).rejects.toThrow('has ended');
  });

  it.each(['SIGINT', 'SIGTERM'] as const)('leaves %s to its parent', async signal => {
    const child = await startOne();
    process.kill(child.pid, signal);
    expect(await child.ask('echo', 'still here')).toBe('still here');
  });
});

describe('a parent', () => {
  /** One in a process of its own, which says its child's id and then does what `then` says. */
  async function startParent(then: string) {
    const code = `import { startChild } from ${JSON.stringify(CHILD)};
      const child = await startChild({ entry: new URL(${JSON.stringify(ENTRY.href)}), spec: {} });
      const busy = child.ask('hang').catch(() => {});
      process.stdout.write(child.pid + '\\n');
      ${then}`;
    const args = ['--input-type=module', '-e', code];
    const parent = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    const [line] = await once(parent.stdout, 'data');
    orphans.set(parent, Number(line));
    parent.stdout.resume();
    // Its child has the same output, which is closed once both are gone.
    const bothGone = once(parent, 'close').finally(() => orphans.delete(parent));
    return { parent, bothGone };
  }

  it('that is killed takes its child with it, also one that is at something', async () => {
    const { parent, bothGone } = await startParent('await busy;');
    parent.kill('SIGKILL');
    expect(await bothGone).toEqual([null, 'SIGKILL']);
  });

  it.each([
    ['ends', 'process.exit(0);', 0],
    ['fails', `setImmediate(() => { throw new Error('on purpose'); });`, 1],
  ])('that %s takes its child with it', async (_how, then, code) => {
    const { bothGone } = await startParent(then);
    expect(await bothGone).toEqual([code, null]);
  });
});
