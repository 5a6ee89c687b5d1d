// Where the MongoDB of tests and rehearsals comes from: which one is taken, what is built when there is none, and that
// none is left behind. The `go` here is a script; the real wire is what all tests of the stores in MongoDB run on.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveMongo } from '../../rig/mongoBinary.ts';
import { startMongo } from '../../rig/mongoServer.ts';
import { newFolder, until } from '../cli/command.ts';
import { missing } from '../ports/mongo.ts';

/** A program `go` in a folder of its own, which is all that there is on PATH. */
function goOf(script: string): string {
  const folder = newFolder();
  writeFileSync(join(folder, 'go'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'go'), 0o755);
  return folder;
}
const BUILDS = 'test "$1 $2" = "build -o" && echo "#!/bin/sh" > "$3" && /bin/cat go.sum >> "$3"';

async function resolve(path: string, cache = newFolder()) {
  const lines: unknown[] = [];
  const env = { PATH: path, SANDTABLE_CACHE: cache };
  const program = await resolveMongo({ log: ({ message }) => lines.push(message), env });
  return { program, lines, cache };
}

describe('the MongoDB wire', () => {
  it('is built once, from the source with its checksums, with a line that says so', async () => {
    const { program, lines, cache } = await resolve(goOf(BUILDS));
    expect(readFileSync(program, 'utf8')).toContain('github.com/FerretDB/FerretDB v1.24.0 h1:');
    expect(lines).toEqual([
      expect.stringMatching(/FerretDB .* building it with Go, .*since MONGODB_URL is not set/),
    ]);
    const again = await resolve('', cache);
    expect(again).toMatchObject({ program, lines: [] });
    // Nothing of the build is left beside it.
    expect(readdirSync(join(program, '..'))).toHaveLength(1);
  });

  it.each([
    ['there is no Go', () => '', 'there is no such program'],
    ['the build fails', () => goOf('echo "no network" >&2; exit 1'), 'no network'],
  ])('is missing when %s, and the reason is told', async (_why, path, reason) => {
    const cache = newFolder();
    const error = await resolve(path(), cache).catch(refusal => refusal);
    expect(error).toMatchObject({ code: 'INPUT' });
    expect(error.message).toContain('MONGODB_URL is not set');
    expect(error.message).toContain(reason);
    const [build] = readdirSync(cache);
    expect(readdirSync(join(cache, build))).toEqual([]);
  });

  it('is not started where MONGODB_URL names another', async () => {
    const env = { PATH: '', MONGODB_URL: 'mongodb://127.0.0.1:1/' };
    const { url, stop } = await startMongo({ log: () => {}, env });
    expect(url).toBe('mongodb://127.0.0.1:1/');
    await stop();
  });

  it('that cannot start says why', async () => {
    const cache = newFolder();
    await resolve(
      goOf('printf "#!/bin/sh\\necho no disk >&2; exit 1\\n" > "$3"; /bin/chmod 755 "$3"'),
      cache,
    );
    const starting = startMongo({ log: () => {}, env: { PATH: '', SANDTABLE_CACHE: cache } });
    await expect(starting).rejects.toMatchObject({
      code: 'INPUT',
      message: expect.stringContaining('it ended: no disk'),
    });
  });
});

async function isRefused(port: number, hostname: string): Promise<boolean> {
  const socket = connect(port, hostname);
  const refused = await once(socket, 'connect').then(
    () => false,
    () => true,
  );
  socket.destroy();
  return refused;
}

if (process.env.MONGODB_URL)
  console.error('SKIPPED, the test of a started MongoDB wire: MONGODB_URL names one that runs');
describe.skipIf(missing !== undefined || process.env.MONGODB_URL)('a started MongoDB wire', () => {
  it('listens on 127.0.0.1, and neither it nor its data outlive a parent that is killed', async () => {
    const temporary = newFolder();
    const module = new URL('../../rig/mongoServer.ts', import.meta.url).href;
    const program = `import { startMongo } from ${JSON.stringify(module)};
      console.log((await startMongo({ log: () => {} })).url);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
      env: { ...process.env, TMPDIR: temporary },
    });
    const [line] = await once(parent.stdout, 'data');
    const { hostname, port } = new URL(String(line).trim());
    expect(hostname).toBe('127.0.0.1');
    expect(readdirSync(temporary)).toEqual([expect.stringMatching(/^sandtable-mongo-/)]);
    parent.kill('SIGKILL');
    await until('its data are gone', async () => readdirSync(temporary).length === 0);
    // It takes them along before it ends.
    await until('nobody listens there', () => isRefused(Number(port), hostname));
  });
});
