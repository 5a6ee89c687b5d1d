// A process of our own on the other end of a channel: started with a JSON spec, asked by name, stopped in good order. It
// ends with its parent, however that ends; a parent that is stopped leaves none behind.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export type Child = {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly ready: unknown;
  /** Rejects when the child fails at it, has ended or does not answer. */
  ask(what: string, argument?: unknown): Promise<unknown>;
  /** Lets it end what it is at, and resolves with its last word; kills it when that takes too long. */
  stop(): Promise<unknown>;
  /** At once. */
  kill(): void;
};

export type ChildOptions = {
  readonly entry: URL;
  readonly spec: unknown;
  /** Run it through another program, such as one that ties it to a core. */
  readonly wrapper?: readonly string[];
};

/** What the child does with a question; `start` comes first and `stop` last. */
export type Answers = Readonly<Record<string, (argument: unknown) => unknown>>;

type Question = { readonly id: number; readonly what: string; readonly argument?: unknown };
type Reply = { readonly id: number; readonly value?: unknown; readonly error?: string };

/** For a child on a busy machine: to load its code alone has taken one 20 s. */
const ANSWER_MS_MAX = 60_000;

/** Starts `entry` with the Node that runs this. Throws what the child failed with. */
export async function startChild({ entry, spec, wrapper = [] }: ChildOptions): Promise<Child> {
  const [program, ...args] = [...wrapper, process.execPath, entry.pathname];
  const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  // Not 'close': it never comes where this side let go of the channel first.
  const ended = once(child, 'exit').finally(() => process.off('exit', kill));
  ended.catch(() => {});
  const ask = asker(child);
  try {
    const ready = await ask('start', spec);
    return {
      pid: child.pid!,
      ready,
      ask,
      stop: async () => {
        try {
          return await ask('stop');
        } finally {
          if (child.connected) child.disconnect();
          const timer = setTimeout(kill, ANSWER_MS_MAX);
          await ended.catch(() => {});
          clearTimeout(timer);
        }
      },
      kill,
    };
  } catch (error) {
    kill();
    await ended.catch(() => {});
    throw error;
  }
}

function asker(child: ChildProcess): Child['ask'] {
  const open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let last = 0;
  const failAll = (why: string) => {
    for (const { reject } of open.values()) reject(new Error(why));
    open.clear();
  };
  child.on('message', ({ id, value, error }: Reply) => {
    const asked = open.get(id);
    open.delete(id);
    if (error === undefined) asked?.resolve(value);
    else asked?.reject(new Error(error));
  });
  child.on('error', error => failAll(`it cannot be started: ${error.message}`));
  child.on('exit', (code, signal) => failAll(`process ${child.pid} ended with ${signal ?? `code ${code}`}`));
  return (what, argument) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      const timer = setTimeout(() => {
        open.delete(id);
        reject(new Error(`process ${child.pid} did not answer to "${what}"`));
      }, ANSWER_MS_MAX);
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          how(value);
        };
      open.set(id, { resolve: settle(resolve), reject: settle(reject) });
      if (!child.connected) return open.get(id)!.reject(new Error(`process ${child.pid} has ended`));
      child.send({ id, what, argument } satisfies Question, error => {
        if (error) open.get(id)?.reject(error);
      });
    });
}

/** The child's side of it. `answers` gets each question by its name; after `stop` the process ends. */
export function serveParent(answers: Answers): void {
  // A terminal sends Ctrl-C to all; the parent decides in which order things end.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  // Without a parent there is nobody left to work for.
  process.on('disconnect', () => process.exit(0));
  process.on('message', async ({ id, what, argument }: Question) => {
    const reply = await answerTo(answers[what], argument);
    process.send!({ id, ...reply });
  });
}

async function answerTo(
  answer: Answers[string] | undefined,
  argument: unknown,
): Promise<{ value?: unknown; error?: string }> {
  try {
    if (answer === undefined) return { error: 'the process does not know such a question' };
    return { value: await answer(argument) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
