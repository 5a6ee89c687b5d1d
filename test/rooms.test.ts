// Who may import whom, and what the sealed rooms must not name: DESIGN's table as data, checked against every import.

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

type Import = { readonly from: string; readonly to: string; readonly isType: boolean };

/** Paths by their beginning; the first room that a file is in counts. `packages`: all, or the ones of that list. */
type Room = {
  readonly files: readonly string[];
  readonly may: readonly string[];
  readonly node?: true;
  readonly packages?: true | readonly string[];
  /** Packages whose types alone may be imported. */
  readonly types?: readonly string[];
};

const root = fileURLToPath(new URL('..', import.meta.url));
const VENDORS = [
  'cloudflare',
  '@google-cloud/kms',
  '@google-cloud/run',
  '@googleapis/run',
  '@googleapis/secretmanager',
  '@googleapis/firestore',
  '@pinecone-database/pinecone',
];
const MEANING = ['simple-statistics', 'jstat', 'echarts', '@datadog/sketches-js'];
/** What a run hands to the reports. */
const MEASURED = ['reports/measurement', 'reports/histogram'];
const CORE = [
  'src/ports',
  'src/errors',
  'src/limits',
  'src/provisioning/',
  'src/gateway/',
  'src/agents/',
  'src/operations/',
  'src/providers/',
];
const FIGURES = ['measurement', 'report', 'statistics', 'kpis', 'verdict', 'build'].map(
  name => `reports/${name}.ts`,
);

const ROOMS: readonly Room[] = [
  { files: ['test/', 'bench/', 'vitest.config.ts'], may: [''], node: true, packages: true },
  {
    files: ['cli/'],
    may: ['cli/', 'scenarios/', 'src/', 'fakes/', 'simulator/', 'rig/', 'reports/'],
    node: true,
    packages: true,
  },
  { files: ['examples/'], may: [], node: true, packages: true },
  { files: ['scenarios/k6/'], may: ['scenarios/'], packages: ['k6'] },
  { files: ['scenarios/'], may: ['scenarios/'] },
  { files: ['src/runtime/'], may: ['src/'], node: true, packages: true },
  { files: CORE, may: CORE, types: VENDORS },
  {
    files: ['fakes/server'],
    may: ['fakes/', 'scenarios/', 'src/ports', 'src/errors', 'src/runtime/'],
    node: true,
    packages: true,
  },
  { files: ['fakes/'], may: ['fakes/', 'scenarios/', 'src/ports'] },
  {
    files: ['simulator/pool'],
    may: ['simulator/', ...CORE, 'fakes/', 'scenarios/', ...MEASURED],
    node: true,
    packages: ['piscina'],
  },
  { files: ['simulator/'], may: ['simulator/', ...CORE, 'fakes/', 'scenarios/', ...MEASURED] },
  {
    files: ['rig/'],
    may: ['rig/', 'src/', 'fakes/', 'scenarios/', ...MEASURED],
    node: true,
    packages: true,
  },
  { files: FIGURES, may: ['reports/', 'scenarios/'], packages: MEANING },
  { files: ['reports/'], may: ['reports/', 'scenarios/'], node: true, packages: MEANING },
];

/** Only these rooms may import what stands behind them. */
const CLOSED: Readonly<Record<string, readonly string[]>> = {
  'fakes/server': ['fakes/server', 'rig/', 'cli/', 'test/', 'bench/'],
  'cli/': ['cli/', 'test/', 'bench/'],
  'bench/': ['bench/', 'test/'],
  'test/': ['test/'],
};

const WORKER = 'simulator/worker.ts';
/** What the sealed worker may load besides the project's own files. */
const WORKER_PACKAGES: readonly string[] = ['@datadog/sketches-js'];

const isUnder = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.some(prefix => path.startsWith(prefix));
const sources = globSync('**/*.ts', { cwd: root, exclude: ['node_modules', 'results', '.git'] }).map(path =>
  path.replaceAll('\\', '/'),
);
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Comments, texts, templates and regular expressions: what looks like code and is none. */
const TOKEN =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|(?<=[(,=:[!&|?{};+]\s*|return\s+|=>\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

const withoutComments = (source: string): string =>
  source.replace(TOKEN, token => (token.startsWith('//') || token.startsWith('/*') ? ' ' : token));

/** Names that code uses: a template keeps what stands in its `${}`. */
function codeOf(source: string): string {
  return source.replace(TOKEN, token =>
    token.startsWith('`')
      ? ` ${[...token.matchAll(/\$\{([^}]*)\}/g)].map(([, code]) => code).join(' ; ')} `
      : " '' ",
  );
}

/** Every static, type, side-effect and dynamic import; a project file by its path, anything else as it is written. */
function importsOf(path: string, source: string): Import[] {
  const code = withoutComments(source);
  const found = [
    ...code.matchAll(/^\s*(?:import|export)\s+(?<type>type\s)?[^'"`;]*?\bfrom\s*['"](?<name>[^'"]+)['"]/gm),
    ...code.matchAll(/^\s*import\s*['"](?<name>[^'"]+)['"]/gm),
    ...code.matchAll(/\b(?:import|require)\s*\(\s*['"`](?<name>[^'"`]+)['"`]/g),
  ];
  return found.map(({ groups }) => ({
    from: path,
    to: groups!.name.startsWith('.')
      ? posix.join(dirname(path).replaceAll('\\', '/'), groups!.name)
      : groups!.name,
    isType: groups!.type !== undefined,
  }));
}

const isFile = (name: string): boolean =>
  name.endsWith('.ts') || name.endsWith('.json') || name.endsWith('.js');
const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');

/** Why an import is not allowed, or undefined. */
function offence({ from, to, isType }: Import): string | undefined {
  const room = ROOMS.find(({ files }) => isUnder(from, files));
  if (room === undefined) return `${from} is in no room`;
  if (to.startsWith('..')) return `${from} imports ${to}, which is outside of the project`;
  const allowed = to.startsWith('node:')
    ? room.node === true
    : isFile(to) && !to.startsWith('@')
      ? isUnder(to, room.may) &&
        Object.entries(CLOSED).every(([door, guests]) => !to.startsWith(door) || isUnder(from, guests))
      : room.packages === true ||
        room.packages?.includes(packageOf(to)) ||
        (isType && room.types?.includes(packageOf(to)));
  return allowed ? undefined : `${from} may not import ${isType ? 'types of ' : ''}${to}`;
}

/** Everything that loading `entry` loads: files by path, anything else by name. Types are erased and load nothing. */
function loadedBy(entry: string): Set<string> {
  const loaded = new Set([entry]);
  for (const path of loaded) {
    if (!path.endsWith('.ts') || !existsSync(join(root, path))) continue;
    for (const { to, isType } of importsOf(path, read(path))) if (!isType) loaded.add(to);
  }
  return loaded;
}

/** Ambient world by name: what a run in virtual time must never touch. */
const BANNED: readonly RegExp[] = [
  /(?<![.\w$])(?:Date|Temporal|performance|setTimeout|setInterval|setImmediate|crypto|fetch|WeakRef|FinalizationRegistry|Intl|globalThis)\b/g,
  /\bMath\s*\.\s*random\b/g,
  /\bAbortSignal\s*\.\s*timeout\b/g,
  /\.\s*(?:localeCompare|toLocale\w*)\b/g,
  /\bprocess\s*\.\s*(?:env|hrtime|uptime)\b/g,
];
/** May wait one real turn after the last event, to catch stray rejections. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = { [WORKER]: ['setImmediate'] };

function bannedIn(path: string, source: string): string[] {
  const code = codeOf(source);
  const names = BANNED.flatMap(pattern =>
    [...code.matchAll(pattern)].map(([name]) => name.replaceAll(/\s/g, '')),
  );
  const processes = path.startsWith('simulator/')
    ? []
    : [...code.matchAll(/(?<![.\w$])process\s*\./g)].map(() => 'process');
  return [...names, ...processes]
    .filter(name => !ALLOWED[path]?.includes(name))
    .map(name => `${path} names ${name}`);
}

const isSealed = (path: string): boolean =>
  isUnder(path, [
    ...CORE,
    'fakes/',
    'simulator/',
    'scenarios/',
    'reports/measurement.ts',
    'reports/histogram.ts',
  ]) &&
  !path.startsWith('scenarios/k6/') &&
  // The first two run outside of the worker; the last one makes those very names throw.
  !['fakes/server.ts', 'simulator/pool.ts', 'simulator/seal.ts'].includes(path);

describe('the rooms', () => {
  it('import only what the table allows them', () => {
    expect(sources.length).toBeGreaterThan(20);
    expect(
      sources.flatMap(path => importsOf(path, read(path)).flatMap(found => offence(found) ?? [])),
    ).toEqual([]);
  });

  it('hold every source file', () => {
    expect(sources.filter(path => !ROOMS.some(({ files }) => isUnder(path, files)))).toEqual([]);
  });

  it('give the sealed worker neither Node nor packages', () => {
    expect(sources).toContain(WORKER);
    const loaded = [...loadedBy(WORKER)];
    expect(loaded.filter(name => !isFile(name) && !WORKER_PACKAGES.includes(packageOf(name)))).toEqual([]);
    expect(
      loaded.filter(path => path.endsWith('.ts') && !isSealed(path) && path !== 'simulator/seal.ts'),
    ).toEqual([]);
  });

  it('that run in virtual time name nothing of the ambient world', () => {
    expect(sources.filter(isSealed).flatMap(path => bannedIn(path, read(path)))).toEqual([]);
  });
});

describe('the check of the rooms catches', () => {
  it.each([
    ['src/provisioning/plan.ts', "import { a } from '../../simulator/kernel.ts';"],
    ['src/provisioning/plan.ts', "import type { FactValues } from '../../scenarios/facts.ts';"],
    ['src/provisioning/plan.ts', "import { serve } from '../runtime/server.ts';"],
    ['src/providers/run.ts', "import { run } from '@googleapis/run';"],
    ['src/providers/run.ts', "import type { Ajv } from 'ajv';"],
    ['src/limits.ts', "import fs from 'node:fs';"],
    ['src/limits.ts', "import fs from 'fs';"],
    ['fakes/kms.ts', "import {\n  planOf,\n  type Step,\n} from '../src/provisioning/plan.ts';"],
    ['fakes/kms.ts', "import { listen } from './server.ts';"],
    ['fakes/kms.ts', "const server = await import('./server.ts');"],
    ['fakes/kms.ts', "export * from '../reports/report.ts';"],
    ['scenarios/facts.ts', "type Port = import('../src/ports.ts').Clock;"],
    ['scenarios/facts.ts', "import '../cli/main.ts';"],
    ['simulator/run.ts', "import { Piscina } from 'piscina';"],
    ['simulator/run.ts', "import type { Report } from '../reports/report.ts';"],
    ['reports/kpis.ts', "import { writeFileSync } from 'node:fs';"],
    ['reports/html.ts', "import { Cloud } from '../fakes/cloud.ts';"],
    ['rig/rig.ts', "import { main } from '../cli/main.ts';"],
    ['cli/main.ts', "import { fixture } from '../test/fixture.ts';"],
    ['examples/kms.ts', "import { kms } from '../fakes/kms.ts';"],
    ['examples/kms.ts', "import { call } from './call.ts';"],
    ['rig/rig.ts', "import x from '../../elsewhere/x.ts';"],
    ['elsewhere/x.ts', "import x from './y.ts';"],
  ])('in %s: %s', (path, source) => {
    expect(importsOf(path, source).flatMap(found => offence(found) ?? [])).toHaveLength(1);
  });

  it.each([
    ['src/providers/run.ts', "import type { run_v2 } from '@googleapis/run';"],
    ['src/runtime/server.ts', "import { fastify } from 'fastify';\nimport fs from 'node:fs';"],
    ['simulator/pool.ts', "import { Piscina } from 'piscina';"],
    ['fakes/kms.ts', "// import { a } from '../cli/main.ts';\n/* import '../cli/main.ts' */"],
  ])('nothing in %s: %s', (path, source) => {
    expect(importsOf(path, source).flatMap(found => offence(found) ?? [])).toEqual([]);
  });

  it.each([
    'const now = Date.now();',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is code to check
    'const text = `at ${new Date().toISOString()}`;',
    "const s = 'it'; setTimeout(run, 5);",
    'const apostrophe = /[\'"`]/; await fetch(url);',
    'const x = Math.random();',
    'const id = crypto.randomUUID();',
    'names.sort((a, b) => a.localeCompare(b)); // sorted',
    'const text = (5).toLocaleString();',
    'const home = process.env.HOME;',
    'const { argv } = process.argv;',
    'const t = performance.now();',
    'const signal = AbortSignal.timeout(5);',
    'const now = globalThis.Date;',
    'setImmediate(run);',
    'const cache = new WeakRef(value);',
  ])('the ambient world in: %s', source => {
    expect(bannedIn('fakes/kms.ts', source).length).toBeGreaterThan(0);
  });

  it.each([
    '// Date.now() would be the ambient clock',
    "const header = 'Date';",
    'const text = `no Date, no fetch`;',
    'const created = resource.createdDate; const cryptoKey = 1;',
    'const ratio = a / b; const c = clock.setTimeout / 2;',
  ])('nothing of it in: %s', source => {
    expect(bannedIn('fakes/kms.ts', source)).toEqual([]);
  });
});
