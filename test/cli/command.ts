// The command line as its users have it: a process of its own, with what it prints and how it ends.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

const MAIN = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
/** For an external process on a busy machine to get somewhere: less than a test may take, so that it says what it waited for. */
export const PATIENCE_MS = 120_000;
const LOOK_EVERY_MS = 20;

/**
 * How a pilot ends in which all is well. It is 3 when too few companies were in time, as on a busy machine: the fakes' clock
 * runs on while a process waits for a processor. That says nothing of all else.
 */
export const WELL = [0, 3];

export type Ended = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};
export type Running = {
  readonly process: ChildProcess;
  /** Resolves with the first match in what it has printed so far; rejects when it ends without one. */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>;
  readonly ended: Promise<Ended>;
};

const running = new Set<Running>();
const folders: string[] = [];

// After the last test: those of one file run side by side.
afterAll(async () => {
  for (const { process } of running) process.kill('SIGKILL');
  await Promise.all([...running].map(({ ended }) => ended));
  // What a killed process has started may write for another moment.
  const patiently = { recursive: true, force: true, maxRetries: 10 };
  for (const folder of folders.splice(0)) rmSync(folder, patiently);
});

/** A folder of its own for a test. */
export function newFolder(): string {
  folders.push(mkdtempSync(join(tmpdir(), 'sandtable command ')));
  return folders.at(-1)!;
}

export const start = (...args: string[]): Running => startScript(MAIN, {}, ...args);

/** `more`: what its environment has besides that of the tests. */
export function startScript(path: string, more: Record<string, string>, ...args: string[]): Running {
  const { NO_COLOR: _, FORCE_COLOR: __, ...own } = process.env;
  const env = { ...own, ...more };
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', text => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', text => (stderr += text));
  const ended = once(child, 'close').then(([code, signal]): Ended => {
    running.delete(one);
    return { code, signal, stdout, stderr };
  });
  const printed = (pattern: RegExp) =>
    until(`${args.join(' ')} prints ${pattern}`, async () => {
      const match = pattern.exec(stdout) ?? pattern.exec(stderr);
      if (match === null && child.exitCode !== null) throw new Error(`it ended without: ${stdout}${stderr}`);
      return match;
    });
  const one: Running = { process: child, printed, ended };
  running.add(one);
  return one;
}

export const sandtable = (...args: string[]): Promise<Ended> => start(...args).ended;

/** Looks again and again until there is something to see. */
export async function until<T>(what: string, look: () => Promise<T | null | undefined | false>): Promise<T> {
  for (const deadlineAtMs = Date.now() + PATIENCE_MS; Date.now() < deadlineAtMs; await delay(LOOK_EVERY_MS)) {
    const seen = await look();
    if (seen !== null && seen !== undefined && seen !== false) return seen;
  }
  throw new Error(`waited ${PATIENCE_MS} ms in vain until ${what}`);
}
