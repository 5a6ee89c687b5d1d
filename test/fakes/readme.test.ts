// The fakes' README held against the fakes: what it says they cover is what they cover, and what it says they do not
// cover is answered with 501.

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { Cloud } from '../../fakes/cloud.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { DOMAIN, TOKEN, ZONE_ID } from './fakeCall.ts';

const root = new URL('../../', import.meta.url);
const readme = readFileSync(new URL('fakes/README.md', root), 'utf8');
const VENDORS = ['cloudflare', 'cloudRun', 'secretManager', 'kms', 'firestore', 'pinecone', 'atlas'];

const cloud = new Cloud({
  seed: 1,
  facts: new FactValues('mid', {}),
  quotas: [],
  faults: [],
  token: TOKEN,
  domain: DOMAIN,
  zones: new Map([[ZONE_ID, DOMAIN]]),
});

/** The cells of the table in the section of that title, without its head. */
function tableIn(title: string): string[][] {
  const [, section] = readme.split(`## ${title}\n`);
  const rows = section
    .split('\n## ')[0]
    .split('\n')
    .filter(line => line.startsWith('|'));
  return rows.slice(2).map(row =>
    row
      .split('|')
      .slice(1, -1)
      .map(cell => cell.trim()),
  );
}

const bare = (cell: string) => cell.replaceAll('`', '');

it('every operation of every fake is in the table of calls, and nothing else is', () => {
  const said = tableIn('Calls that are covered').flatMap(([resource, calls]) =>
    calls.split(', ').map(call => `${bare(resource)}.${call}`),
  );
  const covered = cloud.services.flatMap(({ routes }) => routes.map(({ operation }) => operation));
  expect(covered.length).toBeGreaterThan(80);
  expect(said.sort()).toEqual([...covered].sort());
});

it('every example is in the table of clients, and nothing else is', () => {
  const said = tableIn('Use them from your own code').map(cells => bare(cells[3]));
  expect(said.sort()).toEqual(globSync('*.ts', { cwd: fileURLToPath(new URL('examples', root)) }).sort());
});

describe('what the table of other calls names', () => {
  const rows = tableIn('Calls that are not').map(([fake, below, calls]) => ({
    name: bare(fake),
    calls: [...calls.matchAll(/`([A-Z]+) ([^`]*)`/g)].map(([, method, path]) => [method, bare(below) + path]),
  }));

  it('is of every vendor', () => {
    expect(rows.map(({ name }) => name)).toEqual(VENDORS);
    for (const { calls } of rows) expect(calls.length).toBeGreaterThanOrEqual(5);
  });

  it.each(rows.flatMap(({ name, calls }) => calls.map(([method, path]) => [name, method, path])))(
    '%s is answered with 501: %s %s',
    (name, method, path) => {
      const { status, body } = answerTo(name, method, path.replace('/zones/ID', `/zones/${ZONE_ID}`));
      expect(status).toBe(501);
      expect(JSON.stringify(body)).toContain('does not cover');
    },
  );
});

it.each([
  ['pinecone', (error: string) => ({ error })],
  // In Google's own envelope.
  ['kms', (message: string) => ({ error: { code: 501, message, status: 'UNIMPLEMENTED' } })],
])('what the fake %s does not cover is answered with the call and where to read on', (name, envelope) => {
  const text = `the fake ${name} does not cover GET /rockets; fakes/README.md lists what it covers`;
  expect(answerTo(name, 'GET', '/rockets')).toEqual({ status: 501, body: envelope(text) });
});

function answerTo(name: string, method: string, path: string) {
  const [host] = cloud.services.find(service => service.name === name)!.hosts;
  const request = {
    method,
    host: host.startsWith('.') ? `api${host}` : host,
    path,
    query: new URLSearchParams(),
    headers: { authorization: `Bearer ${TOKEN}` },
    body: undefined,
    key: [0],
  };
  return cloud.arrive(request, 0)!.reply;
}
