// Finds the MongoDB wire of `rig/mongo`, or builds it once for all clones on this machine. It stands in for a MongoDB
// where MONGODB_URL names none. It promises less: of updates that race, some are lost (of 200 increments, 5 were left), and
// it has no transactions. So whatever holds on it needs neither (`src/runtime/mongoChain.ts`).

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SandtableError } from '../src/errors.ts';
import type { Log } from '../src/ports.ts';
import { cacheFolder, reasonOf } from './k6Binary.ts';

export type MongoSearch = {
  /** Hears what is built, and why, before it is. */
  readonly log: Log;
  readonly env?: Readonly<Record<string, string | undefined>>;
};

const SOURCE = fileURLToPath(new URL('./mongo', import.meta.url));
const FILES = ['main.go', 'go.mod', 'go.sum'];
const PROGRAM = process.platform === 'win32' ? 'mongo.exe' : 'mongo';
/** It takes one minute on two cores with nothing in Go's caches. */
const BUILD_MS_MAX = 10 * 60_000;

const run = promisify(execFile);

/** The program's path. Throws INPUT, with the reason, when there is none and none can be built. */
export async function resolveMongo({ log, env = process.env }: MongoSearch): Promise<string> {
  const cache = join(cacheFolder(env), `mongo-${sourceHash()}`);
  const cached = join(cache, PROGRAM);
  if (existsSync(cached)) return cached;
  log({
    event: 'mongo.building',
    message:
      'fetching the source of FerretDB v1.24.0 and building it with Go, in one to three minutes, since ' +
      'MONGODB_URL is not set and there is no MongoDB wire on this machine',
    into: cached,
  });
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(cache, 'building-'));
  try {
    for (const file of FILES) cpSync(join(SOURCE, file), join(folder, file));
    const program = join(folder, PROGRAM);
    await run('go', ['build', '-o', program, '.'], {
      cwd: folder,
      // Without a C compiler, and for this very machine, whatever the user builds for elsewhere.
      env: { ...env, GOOS: '', GOARCH: '', GOFLAGS: '-mod=mod', CGO_ENABLED: '0' },
      timeout: BUILD_MS_MAX,
      maxBuffer: 64 * 1024 * 1024,
    });
    renameSync(program, cached);
    return cached;
  } catch (error) {
    throw new SandtableError(
      'INPUT',
      `no MongoDB: MONGODB_URL is not set, and building a wire with Go failed: ${reasonOf(error)}`,
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Another source is another program. */
function sourceHash(): string {
  const hash = createHash('sha256');
  for (const file of FILES) hash.update(readFileSync(join(SOURCE, file)));
  return hash.digest('hex').slice(0, 12);
}
