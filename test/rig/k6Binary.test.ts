// Where k6 comes from: which program is taken, which is refused and why, and what is fetched when there is none. The
// programs here are scripts that say a version; k6.test.ts has the real one.

import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Fastify from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { K6_VERSION, resolveK6 } from '../../rig/k6Binary.ts';
import { newFolder } from '../cli/command.ts';

const NO_RELEASES = 'http://127.0.0.1:1';
const SAYS = (version: string) => `echo "k6 v${version} (go1.26.8, linux/amd64)"`;
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map(close => close()));
});

/** A program in a folder of its own, and that folder. */
function program(name: string, script: string): { path: string; folder: string } {
  const folder = newFolder();
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { path, folder };
}

/** Finds k6 in this environment alone, with an empty cache of its own unless told. */
async function resolve(env: Record<string, string>, releasesUrl = NO_RELEASES) {
  const cache = env.SANDTABLE_CACHE ?? newFolder();
  const lines: unknown[] = [];
  const whole = { PATH: '', SANDTABLE_CACHE: cache, ...env };
  const k6 = await resolveK6({ log: ({ message }) => lines.push(message), env: whole, releasesUrl });
  return { k6, lines, cache: join(cache, `k6-v${K6_VERSION}`) };
}

/** A program `go` that builds after a while, as the real one does; with what a build leaves and says. */
const goOf = (script: string) => program('go', script);
const building = (version: string) =>
  goOf(
    `test "$1 $2" = "install go.k6.io/k6@v${K6_VERSION}" || exit 2
printf '#!/bin/sh\\n' > "$GOBIN/k6"
/bin/sleep 0.2
echo '${SAYS(version)}' >> "$GOBIN/k6"
/bin/chmod 755 "$GOBIN/k6"`,
  );

/** A site with the release for this platform, as it is published. */
async function releasesOf(script: string, checksum?: string): Promise<string> {
  const [system, processor] = [
    { linux: 'linux', darwin: 'macos' },
    { x64: 'amd64', arm64: 'arm64' },
  ].map((names, i) => (names as Record<string, string>)[i === 0 ? process.platform : process.arch]);
  const name = `k6-v${K6_VERSION}-${system}-${processor}`;
  const file = `${name}.${system === 'linux' ? 'tar.gz' : 'zip'}`;
  const folder = newFolder();
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, 'k6'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name, 'k6'), 0o755);
  if (system === 'linux') execFileSync('tar', ['-czf', file, name], { cwd: folder });
  else execFileSync('zip', ['-qr', file, name], { cwd: folder });
  const archive = readFileSync(join(folder, file));
  const sum = checksum ?? createHash('sha256').update(archive).digest('hex');
  const app = Fastify({ forceCloseConnections: true });
  app.get(
    `/v${K6_VERSION}/k6-v${K6_VERSION}-checksums.txt`,
    () => `${'0'.repeat(64)}  another.rpm\n${sum}  ${file}\n`,
  );
  app.get(`/v${K6_VERSION}/${file}`, () => archive);
  closers.push(() => app.close());
  return await app.listen({ host: '127.0.0.1', port: 0 });
}

describe('k6 is taken', () => {
  it('from K6_BIN before anything else', async () => {
    const chosen = program('k6-of-mine', SAYS('1.0.0'));
    const installed = program('k6', SAYS('1.8.1'));
    const { k6, lines } = await resolve({ K6_BIN: chosen.path, PATH: installed.folder });
    expect(k6).toEqual({ path: chosen.path, version: '1.0.0', how: 'K6_BIN' });
    expect(lines).toEqual([]);
  });

  it('from PATH before the cache', async () => {
    const installed = program('k6', SAYS('2.3.4'));
    const cache = newFolder();
    mkdirSync(join(cache, `k6-v${K6_VERSION}`));
    const cached = join(cache, `k6-v${K6_VERSION}`, 'k6');
    writeFileSync(cached, `#!/bin/sh\n${SAYS('1.8.1')}\n`);
    chmodSync(cached, 0o755);
    const first = await resolve({ SANDTABLE_CACHE: cache, PATH: `${newFolder()}:${installed.folder}` });
    expect(first.k6).toEqual({ path: installed.path, version: '2.3.4', how: 'PATH' });
    const second = await resolve({ SANDTABLE_CACHE: cache });
    expect(second.k6).toEqual({ path: cached, version: '1.8.1', how: 'cache' });
    expect(second.lines).toEqual([]);
  });

  it('from its release, said before, with the published checksum; then from the cache', async () => {
    const url = await releasesOf(SAYS('1.8.1'));
    const { k6, lines, cache } = await resolve({}, url);
    expect(k6).toEqual({ path: join(cache, 'k6'), version: '1.8.1', how: 'release' });
    expect(lines).toEqual([
      `fetching k6 v${K6_VERSION} from ${url}, about 30 MB, since k6 sends the load, and there is none on this machine`,
    ]);
    expect(readdirSync(cache)).toEqual(['k6']);
    expect((await resolve({ SANDTABLE_CACHE: join(cache, '..') })).k6.how).toBe('cache');
  });

  it('from a build with Go when there is no release', async () => {
    const { k6, lines, cache } = await resolve({ PATH: building('1.8.1').folder });
    expect(k6).toEqual({ path: join(cache, 'k6'), version: '1.8.1', how: 'go' });
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/building it with Go/);
    expect(readdirSync(cache)).toEqual(['k6']);
  });

  it('by two at once, of which neither sees half a program', async () => {
    const shared = { SANDTABLE_CACHE: newFolder(), PATH: building('1.8.1').folder };
    const both = await Promise.all([resolve(shared), resolve(shared), resolve(shared)]);
    for (const { k6 } of both) expect(k6.version).toBe('1.8.1');
    expect(readdirSync(both[0].cache)).toEqual(['k6']);
  });
});

describe('k6 is refused', () => {
  it.each([
    ['is too old', SAYS('0.49.0'), /is k6 v0\.49\.0, and v1\.0 is the oldest/],
    ['is another program', 'echo "nginx version 1.2.3"', /is no k6: .*nginx/],
    ['fails', 'echo "no such library" >&2; exit 127', /does not run \(no such library\)/],
  ])('that %s, wherever it is', async (_what, script, message) => {
    const { path, folder } = program('k6', script);
    for (const env of [{ K6_BIN: path }, { PATH: folder }]) {
      const refused = resolve(env as Record<string, string>);
      await expect(refused).rejects.toMatchObject({ code: 'INPUT', message: expect.stringMatching(message) });
      await expect(refused).rejects.toThrow(/set K6_BIN|correct K6_BIN/);
    }
  });

  it('when K6_BIN names nothing, though there is one on PATH', async () => {
    const nothing = join(newFolder(), 'k6');
    await expect(resolve({ K6_BIN: nothing, PATH: program('k6', SAYS('1.8.1')).folder })).rejects.toThrow(
      `${nothing}, found by K6_BIN, does not run (there is no such program)`,
    );
  });

  it('whose archive has another checksum, and is not kept', async () => {
    const cache = newFolder();
    const url = await releasesOf(SAYS('1.8.1'), 'a'.repeat(64));
    await expect(resolve({ SANDTABLE_CACHE: cache }, url)).rejects.toThrow(
      /does not have the published checksum/,
    );
    expect(readdirSync(join(cache, `k6-v${K6_VERSION}`))).toEqual([]);
  });

  it('that does not run once it is built, and is not kept', async () => {
    const cache = newFolder();
    const PATH = building('0.1.0').folder;
    await expect(resolve({ SANDTABLE_CACHE: cache, PATH })).rejects.toThrow(
      /building it with Go failed: .*v0\.1\.0/,
    );
    expect(existsSync(join(cache, `k6-v${K6_VERSION}`, 'k6'))).toBe(false);
  });

  it('for good when nothing can be had: with all that was tried, and what to do', async () => {
    const { folder } = goOf('echo "go: module not found" >&2; exit 1');
    const refused = resolve({ PATH: folder });
    await expect(refused).rejects.toMatchObject({ code: 'INPUT' });
    await expect(refused).rejects.toThrow(
      /K6_BIN is not set; there is no k6 on PATH; nor in the cache .*; its release failed: .*cannot be reached.*; building it with Go failed: go: module not found\. To get it, install k6/,
    );
    await expect(resolve({})).rejects.toThrow(/building it with Go failed: there is no such program/);
  });
});
