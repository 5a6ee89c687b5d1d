// The official release of k6 for this platform, checked against the checksum that is published with it. `k6Binary.ts`
// calls it.

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export const RELEASES_URL = 'https://github.com/grafana/k6/releases/download';

const PLATFORMS: Partial<Record<NodeJS.Platform, { name: string; archive: string; program: string }>> = {
  linux: { name: 'linux', archive: 'tar.gz', program: 'k6' },
  darwin: { name: 'macos', archive: 'zip', program: 'k6' },
  win32: { name: 'windows', archive: 'zip', program: 'k6.exe' },
};
const PROCESSORS: Partial<Record<NodeJS.Architecture, string>> = { x64: 'amd64', arm64: 'arm64' };
/** To fetch some 30 MB: a line slower than that is better served by hand. */
const FETCH_MS_MAX = 120_000;
const UNPACK_MS_MAX = 60_000;

/** Path of the program, unpacked somewhere below `folder`. Throws with the reason. */
export async function fetchRelease(version: string, releasesUrl: string, folder: string): Promise<string> {
  const platform = PLATFORMS[process.platform];
  const processor = PROCESSORS[process.arch];
  if (platform === undefined || processor === undefined)
    throw new Error(`there is none for ${process.platform}-${process.arch}`);
  const name = `k6-v${version}-${platform.name}-${processor}`;
  const file = `${name}.${platform.archive}`;
  const signal = AbortSignal.timeout(FETCH_MS_MAX);
  const fetched = (asset: string) => download(`${releasesUrl}/v${version}/${asset}`, signal);
  const checksums = (await fetched(`k6-v${version}-checksums.txt`)).toString('utf8');
  const [expected] =
    checksums
      .split('\n')
      .map(line => line.trim().split(/\s+\*?/))
      .find(([, asset]) => asset === file) ?? [];
  if (expected === undefined) throw new Error(`its checksums do not list ${file}`);
  const archive = await fetched(file);
  if (createHash('sha256').update(archive).digest('hex') !== expected.toLowerCase())
    throw new Error(`${file} does not have the published checksum`);
  const path = join(folder, file);
  writeFileSync(path, archive);
  // The tar of macOS and Windows unpacks zip files too.
  await promisify(execFile)('tar', ['-xf', path, '-C', folder], { timeout: UNPACK_MS_MAX });
  return join(folder, name, platform.program);
}

async function download(url: string, signal: AbortSignal): Promise<Buffer> {
  const response = await fetch(url, { signal }).catch(error => {
    throw new Error(`${url} cannot be reached (${error.cause?.code ?? error.name})`);
  });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  return Buffer.from(await response.arrayBuffer());
}
