// Runs k6 as a process of its own on a load plan, and folds what it reports while it sends. k6 reaches nothing but this
// machine, ends with its parent, and leaves nothing behind.

import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type LoadPlan, type Schedule, scheduleOf } from '../scenarios/loadPlan.ts';
import { SLOT_MS } from '../scenarios/traffic.ts';
import { SandtableError } from '../src/errors.ts';
import type { K6 } from './k6Binary.ts';
import { createSamplesFold, type LoadFigures } from './k6Samples.ts';
import { checkAddresses } from './loadPlan.ts';

export type LoadRun = LoadFigures & {
  /** What the records are numbered by. */
  readonly schedule: Schedule;
  /** Of the schedule without its lead-in. */
  readonly measuredMs: number;
  /** By k6's own reckoning; a fact about the platform, not about the run. */
  readonly thresholdsCrossed: boolean;
};

export type K6Options = {
  /** As `resolveK6` found it. */
  readonly k6: Pick<K6, 'path'>;
  readonly plan: LoadPlan;
  /** Ends the run early: it then throws INTERRUPTED. */
  readonly signal?: AbortSignal;
  /** The run is given up after this long; by default when its last time-out is long past. */
  readonly msMax?: number;
};

type Child = ChildProcessByStdio<null, Readable, Readable>;

const SCRIPT = fileURLToPath(new URL('../scenarios/k6/load.ts', import.meta.url));
const THRESHOLDS_CROSSED = 99;
/** For k6 to number the requests, to set its virtual users up, and in the end to judge its thresholds. */
const OVERHEAD_MS_MAX = 150_000;
/** Of what k6 says when it fails. */
const MESSAGES_MAX = 5;
/** Would change what k6 does, or lead it away from this machine. */
const FOREIGN_SETTING = /^(K6_|HTTPS?_PROXY$|ALL_PROXY$)/i;

/** Throws INPUT for an address that is not of this machine, K6 when k6 fails or takes too long. */
export async function runK6({ k6, plan, signal, msMax }: K6Options): Promise<LoadRun> {
  checkAddresses(plan.urls);
  const schedule = scheduleOf(plan.arrivals);
  const fold = createSamplesFold(plan, schedule);
  const scheduledMs = plan.arrivals.slots * SLOT_MS;
  const code = await run({
    path: k6.path,
    plan,
    onLine: fold.line,
    msMax: msMax ?? OVERHEAD_MS_MAX + plan.leadMs + scheduledMs + plan.timeoutMs,
    signal,
  });
  return {
    ...fold.figures(),
    schedule,
    measuredMs: scheduledMs - plan.leadInMs,
    thresholdsCrossed: code === THRESHOLDS_CROSSED,
  };
}

type Process = {
  readonly path: string;
  readonly plan: LoadPlan;
  readonly onLine: (line: string) => void;
  readonly msMax: number;
  readonly signal: AbortSignal | undefined;
};

/** The exit code: 0, or 99 for a crossed threshold. */
async function run({ path, plan, onLine, msMax, signal }: Process): Promise<number> {
  if (signal?.aborted) throw interrupted();
  // Nobody else may read it: the plan holds the companies' tokens.
  const folder = mkdtempSync(join(tmpdir(), 'sandtable k6 '));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const child = startedOr(remove, () => start(path, folder, plan));
  const stop = () => child.kill('SIGKILL');
  const leave = () => {
    stop();
    remove();
  };
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    stop();
  }, msMax);
  process.once('exit', leave);
  signal?.addEventListener('abort', stop);
  const closed = once(child, 'close');
  // Looked at below; until then a program that cannot be started must not count as nobody's rejection.
  closed.catch(() => {});
  const said = listen(child.stderr);
  try {
    // k6 ends with its parent because nobody reads this pipe any more: its next line is its last.
    let lines = 0;
    for await (const line of createInterface({ input: child.stdout })) {
      // It has read its plan. From here on not even a kill of this process leaves the tokens on disk.
      if (lines++ === 0) remove();
      onLine(line);
    }
    const [code, killedBy] = await closed;
    if (signal?.aborted) throw interrupted();
    if (isLate) throw failed(`did not end within ${Math.round(msMax / 1000)} s`, said);
    if (code !== 0 && code !== THRESHOLDS_CROSSED)
      throw failed(`ended with ${killedBy ?? `code ${code}`}`, said);
    return code;
  } catch (error) {
    // The process could not be started.
    if ((error as NodeJS.ErrnoException).syscall?.startsWith('spawn')) throw failed(String(error), said);
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    process.removeListener('exit', leave);
    leave();
    await closed.catch(() => {});
  }
}

function startedOr(remove: () => void, starting: () => Child): Child {
  try {
    return starting();
  } catch (error) {
    remove();
    throw error;
  }
}

function start(path: string, folder: string, plan: LoadPlan): Child {
  const planFile = join(folder, 'plan.json');
  const configFile = join(folder, 'config.json');
  writeFileSync(planFile, JSON.stringify(plan), { mode: 0o600 });
  writeFileSync(configFile, '{}');
  const args = [
    'run',
    ...['--quiet', '--out', 'json=-', '--log-format', 'json', '--summary-mode', 'disabled'],
    // Neither a port of its own nor a call home, and none of the user's settings.
    ...['--address', '', '--no-usage-report', '--config', configFile, '--include-system-env-vars=false'],
    ...['--env', `PLAN=${planFile}`, SCRIPT],
  ];
  const own = Object.entries(process.env).filter(([name]) => !FOREIGN_SETTING.test(name));
  const env = { ...Object.fromEntries(own), K6_AUTO_EXTENSION_RESOLUTION: 'false' };
  return spawn(path, args, { stdio: ['ignore', 'pipe', 'pipe'], env });
}

/** What k6 says of its errors, the first few; a warning for each failed request would drown them. */
function listen(stderr: Readable): string[] {
  const said: string[] = [];
  createInterface({ input: stderr }).on('line', line => {
    const message = errorIn(line);
    if (message !== undefined && said.length < MESSAGES_MAX) said.push(message);
  });
  return said;
}

function errorIn(line: string): string | undefined {
  try {
    const { level, msg } = JSON.parse(line) as { level?: string; msg?: string };
    return level === 'error' || level === 'fatal' ? msg : undefined;
  } catch {
    // A crash of k6 itself is told in plain text.
    return line.trim() === '' ? undefined : line;
  }
}

const interrupted = () => new SandtableError('INTERRUPTED', 'k6 was stopped before it had sent all requests');

function failed(how: string, said: readonly string[]): SandtableError {
  return new SandtableError('K6', `k6 ${how}${said.length === 0 ? '' : `: ${said.join('; ')}`}`);
}
