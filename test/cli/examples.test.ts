// The examples as their readers run them: each a process of its own against `sandtable fakes`, which has told it nothing
// but its environment.

import { globSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Running, start, startScript } from './command.ts';

const folder = fileURLToPath(new URL('../../examples/', import.meta.url));
const nameOf = (path: string) => basename(path, '.ts');

/** What the vendor's client, or the script for it, says of a credential that is none. */
const REFUSALS: Readonly<Record<string, RegExp>> = {
  atlas: /invalid_client: The client id or its secret is wrong/,
  cloudRun: /GaxiosError: Request had invalid authentication credentials/,
  cloudRunRest: /"status":"UNAUTHENTICATED"/,
  cloudflare: /PermissionDeniedError: 403 .*"code":9109/,
  firestore: /GaxiosError: Request had invalid authentication credentials/,
  kms: /GoogleError: Request had invalid authentication credentials/,
  pinecone: /PineconeAuthorizationError/,
  secretManager: /GaxiosError: Request had invalid authentication credentials/,
};
const CREDENTIALS = [
  'CLOUDFLARE_API_TOKEN',
  'GOOGLE_OAUTH_ACCESS_TOKEN',
  'MONGODB_ATLAS_CLIENT_SECRET',
  'PINECONE_API_KEY',
];

let fakes: Running;
let env: Record<string, string>;

beforeAll(async () => {
  // Building a cluster takes minutes, and the speed alone would leave seconds.
  const faster = [
    '--speed',
    '50',
    '--fact',
    'lat.atlas.cluster=30000',
    '--fact',
    'lat.firestore.index=30000',
  ];
  fakes = start('fakes', '--port', '0', '--print-env', ...faster);
  const [text] = await fakes.printed(/^(?:export \w+=\S+\n)+export DNS_RESOLVER_URL=\S+\n/);
  env = Object.fromEntries(
    [...text.matchAll(/^export (\w+)=(\S+)$/gm)].map(([, name, value]) => [name, value]),
  );
});
afterAll(async () => {
  fakes.process.kill('SIGTERM');
  expect((await fakes.ended).code).toBe(0);
});

describe.concurrent('the example', () => {
  const names = Object.keys(REFUSALS);

  it('of each vendor is tried here', () => {
    expect(globSync('*.ts', { cwd: folder }).map(nameOf).sort()).toEqual([...names].sort());
  });

  it.each(names)('%s comes to its end', async name => {
    const { code, stdout, stderr } = await startScript(`${folder}${name}.ts`, env).ended;
    expect(stderr).toBe('');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe(`done: ${name}`);
    expect(code).toBe(0);
  });

  it.each(names)('%s calls nobody when it was told of no fakes', async name => {
    const nowhere = Object.fromEntries(Object.keys(env).map(variable => [variable, '']));
    const { code, stdout, stderr } = await startScript(`${folder}${name}.ts`, nowhere).ended;
    expect(stderr).toMatch(/AssertionError.*first: sandtable fakes --print-env/);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });

  it.each(names)('%s with a wrong credential ends in the error of its vendor', async name => {
    const wrong = Object.fromEntries(CREDENTIALS.map(credential => [credential, 'wrong']));
    const { code, stdout, stderr } = await startScript(`${folder}${name}.ts`, { ...env, ...wrong }).ended;
    expect(stderr).toMatch(REFUSALS[name]);
    expect(stdout).toBe('');
    expect(code).toBe(1);
  });
});
