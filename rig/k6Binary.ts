// Finds k6, the load generator, or fetches it once for all clones on this machine. In this order, and the first that
// there is counts: K6_BIN, PATH, the project's cache, the official release, a build with Go. Never a stand-in.

import { execFile } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { SandtableError } from '../src/errors.ts';
import type { Log } from '../src/ports.ts';
import { fetchRelease, RELEASES_URL } from './k6Release.ts';

export type K6 = {
  readonly path: string;
  /** `1.8.1` */
  readonly version: string;
  readonly how: 'K6_BIN' | 'PATH' | 'cache' | 'release' | 'go';
};

export type K6Search = {
  /** Hears what is fetched, and why, before it is. */
  readonly log: Log;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly releasesUrl?: string;
};

export const K6_VERSION = '1.8.1';
/** The first that runs TypeScript by itself and promises to keep its interfaces. */
const MAJOR_MIN = 1;
const VERSION_MS_MAX = 30_000;
/** A build takes 2.5 minutes on two cores with an empty cache. */
const BUILD_MS_MAX = 15 * 60_000;
const PROGRAM = process.platform === 'win32' ? 'k6.exe' : 'k6';
const WAYS = `install k6 1.0 or newer (https://grafana.com/docs/k6/latest/set-up/install-k6/) or set K6_BIN to its path`;

const run = promisify(execFile);

/** Throws INPUT, with what was tried, when there is no k6 that can be used. */
export async function resolveK6({
  log,
  env = process.env,
  releasesUrl = RELEASES_URL,
}: K6Search): Promise<K6> {
  const cache = join(cacheFolder(env), `k6-v${K6_VERSION}`);
  const cached = join(cache, PROGRAM);
  if (env.K6_BIN) return found(env.K6_BIN, 'K6_BIN', 'correct K6_BIN, or unset it');
  const installed = onPath(env.PATH ?? '');
  if (installed !== undefined) return found(installed, 'PATH', 'install a newer one, or set K6_BIN');
  if (existsSync(cached)) return found(cached, 'cache', 'delete it, and it is fetched again');

  const tried = ['K6_BIN is not set', 'there is no k6 on PATH', `nor in the cache (${cache})`];
  const why = 'k6 sends the load, and there is none on this machine';
  const fetches = [
    {
      how: 'release',
      what: `k6 v${K6_VERSION} from ${releasesUrl}, about 30 MB`,
      fetch: (folder: string) => fetchRelease(K6_VERSION, releasesUrl, folder),
    },
    {
      how: 'go',
      what: `k6 v${K6_VERSION} as source and building it with Go, up to 3 minutes`,
      fetch: (folder: string) => build(folder, env),
    },
  ] as const;
  for (const { how, what, fetch } of fetches) {
    log({ event: 'k6.fetching', message: `fetching ${what}, since ${why}`, into: cached });
    try {
      await fetchInto(cache, fetch);
      return await found(cached, how, WAYS);
    } catch (error) {
      tried.push(`${how === 'go' ? 'building it with Go' : 'its release'} failed: ${reasonOf(error)}`);
    }
  }
  throw new SandtableError('INPUT', `no k6 to send the load with: ${tried.join('; ')}. To get it, ${WAYS}`);
}

/** Outside of the clone, so that all clones of a user share it. */
export function cacheFolder(env: NonNullable<K6Search['env']>): string {
  return env.SANDTABLE_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'sandtable');
}

function onPath(path: string): string | undefined {
  const candidates = path.split(delimiter).map(folder => join(folder || '.', PROGRAM));
  return candidates.find(candidate => {
    try {
      accessSync(candidate, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Asks the program itself. Throws INPUT when it is no k6, or too old a one. */
async function found(path: string, how: K6['how'], remedy: string): Promise<K6> {
  const where = how === 'cache' ? 'in the cache' : `by ${how}`;
  let said: string;
  try {
    said = (await run(path, ['version'], { timeout: VERSION_MS_MAX })).stdout;
  } catch (error) {
    throw new SandtableError(
      'INPUT',
      `${path}, found ${where}, does not run (${reasonOf(error)}): ${remedy}`,
    );
  }
  const [, version] = /^k6(?:\.exe)? v(\d+\.\d+\.\d+\S*)/m.exec(said) ?? [];
  if (version === undefined)
    throw new SandtableError(
      'INPUT',
      `${path}, found ${where}, is no k6: asked for its version it says "${said.trim().slice(0, 80)}"; ${remedy}`,
    );
  if (Number.parseInt(version, 10) < MAJOR_MIN)
    throw new SandtableError(
      'INPUT',
      `${path}, found ${where}, is k6 v${version}, and v${MAJOR_MIN}.0 is the oldest that runs TypeScript: ${remedy}`,
    );
  return { path, version, how };
}

/** Renamed into the cache when whole and known to run: another process sees all of it or nothing. */
async function fetchInto(cache: string, fetch: (folder: string) => Promise<string>): Promise<void> {
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'fetching-'));
  try {
    const program = await fetch(folder);
    await found(program, 'cache', WAYS);
    const target = join(cache, PROGRAM);
    try {
      renameSync(program, target);
    } catch (error) {
      // Windows does not replace a file that another process made meanwhile, and runs.
      if (!existsSync(target)) throw error;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(folder: string, env: NonNullable<K6Search['env']>): Promise<string> {
  await run('go', ['install', `go.k6.io/k6@v${K6_VERSION}`], {
    // Without a C compiler, and for this very machine, whatever the user builds for elsewhere.
    env: { ...env, GOBIN: folder, GOOS: '', GOARCH: '', GOFLAGS: '', CGO_ENABLED: '0' },
    timeout: BUILD_MS_MAX,
    maxBuffer: 64 * 1024 * 1024,
  });
  return join(folder, PROGRAM);
}

/** The first line that says something: compilers and shells say much. */
export function reasonOf(error: unknown): string {
  const { code, stderr, message } = error as { code?: unknown; stderr?: string; message?: string };
  if (code === 'ENOENT') return 'there is no such program';
  const text = stderr?.trim() || message || String(error);
  return text.split('\n')[0].slice(0, 200);
}
