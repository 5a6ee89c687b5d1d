// What a reader may rely on everywhere: it compiles, it is linted, files are short, and nothing is tied to one machine.

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const LINES_MAX = 330;
const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const files = globSync('**/*', { cwd: root, exclude: ['node_modules', 'results', '.git'] })
  .concat(globSync('{.ci/*,.npmrc,.gitignore}', { cwd: root }))
  .filter(path => statSync(join(root, path)).isFile());
const code = files.filter(path => /\.(ts|js)$/.test(path));

/** A program under node_modules, run by the Node that runs the tests. Empty when it is content, else what it says. */
function complaintsOf(program: string, ...args: string[]): string {
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1e8 } as const;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join('node_modules', program), ...args],
    options,
  );
  return status === 0 ? '' : `${stdout}${stderr}`;
}

function matches(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap(path =>
    read(path)
      .split('\n')
      .flatMap((line, i) => (pattern.test(line) ? `${path}:${i + 1}: ${line.trim()}` : [])),
  );
}

describe('the project', () => {
  it('compiles', () => {
    expect(complaintsOf('typescript/bin/tsc')).toBe('');
  });

  it('is formatted and linted', () => {
    expect(complaintsOf('@biomejs/biome/bin/biome', 'check', '.')).toBe('');
  });

  it('runs its tests under its own Node', () => {
    const [wanted] = Object.values<string>(JSON.parse(read('package.json')).optionalDependencies);
    expect(process.versions.node.split('.')[0]).toBe(wanted.split('.')[0]);
  });

  it('has no long files', () => {
    const long = code
      .filter(path => !path.startsWith('test'))
      .filter(path => read(path).split('\n').length > LINES_MAX);
    expect(long).toEqual([]);
  });

  it('names no path of one machine', () => {
    expect(matches(files, /\/(work|root|home)\//)).toEqual([]);
  });

  it('runs every test there is', () => {
    expect(matches(code, /\.(only|skip|todo)\(/)).toEqual([]);
  });

  it('pins its packages, wherever they come from', () => {
    const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json'));
    for (const [name, version] of Object.entries({
      ...dependencies,
      ...devDependencies,
      ...optionalDependencies,
    }))
      expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(matches(['package-lock.json'], /"resolved"|registry\./)).toEqual([]);
  });
});
