// A MongoDB for a rehearsal or a test file: the one that MONGODB_URL names, else a wire of its own on 127.0.0.1, which
// is empty and ends with whoever started it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { SandtableError } from '../src/errors.ts';
import { type MongoSearch, resolveMongo } from './mongoBinary.ts';

export type MongoServer = {
  /** `mongodb://127.0.0.1:27017/`; the caller names the database. */
  readonly url: string;
  readonly stop: () => Promise<void>;
};

/** To end by itself on a busy machine. */
const STOP_MS_MAX = 20_000;
/** Of what it says when it fails. */
const LAST_WORDS_MAX = 2000;

/** Throws INPUT when there is none and none can be built, or when it does not start. */
export async function startMongo(search: MongoSearch): Promise<MongoServer> {
  const { MONGODB_URL } = search.env ?? process.env;
  if (MONGODB_URL) return { url: MONGODB_URL, stop: async () => {} };
  const program = await resolveMongo(search);
  const child = spawn(program, [], { stdio: 'pipe' });
  const ended = once(child, 'exit');
  let lastWords = '';
  child.stderr.on('data', text => (lastWords = `${lastWords}${text}`.slice(-LAST_WORDS_MAX)));
  const refused = ended.then(
    () => `it ended: ${lastWords.trim()}`,
    error => `it cannot be started: ${error.message}`,
  );
  const listening = once(createInterface(child.stdout), 'line');
  const first = await Promise.race([listening, refused]);
  if (typeof first === 'string') throw new SandtableError('INPUT', `the MongoDB wire ${program}: ${first}`);
  return {
    url: first[0],
    stop: async () => {
      child.stdin.end();
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await refused;
      clearTimeout(timer);
    },
  };
}
