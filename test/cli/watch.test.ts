// `watch` as a process: what somebody takes away beside it is mended, and it says so.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { FAKES_TOKEN } from '../../fakes/fromScenario.ts';
import { newFolder, sandtable, start, WELL } from './command.ts';

const FOUR = [
  'population.companies=4',
  'population.regions={"us-west1":4}',
  'population.advanced=1',
  'run.phases=["rollout"]',
  'provisioning.quotas=vendor',
  'facts={"quota.atlas.refill.users":1}',
].flatMap(set => ['--set', set]);
/** At which a check without an answer by its deadline has waited for half a second: longer than a busy machine takes. */
const SPEED = 20;
const ZONE = '/client/v4/zones/023e105f4ecef8ad9ca31a8372d0c353/dns_records';
const SERVICES = '/v2/projects/sandtable-platform/locations/us-west1/services';

const folder = newFolder();
let url: string;
let where: string[];

beforeAll(async () => {
  const fakes = start('fakes', 'pilot-100', '--port', '0', '--speed', String(SPEED), ...FOUR);
  [, url] = await fakes.printed(/ {2}all +(http:\/\/127\.0\.0\.1:\d+) /);
  where = ['--fakes', url, '--report-dir', folder, ...FOUR];
  const { code, stdout, stderr } = await sandtable('pilot', ...where);
  expect(stdout).toContain('4 of 4 companies');
  expect(WELL, stderr).toContain(code);
});

/** Done by somebody else. */
async function meddle(method: string, host: string, path: string): Promise<Response> {
  const headers = { 'x-sandtable-host': host, authorization: `Bearer ${FAKES_TOKEN}` };
  const response = await fetch(`${url}${path}`, { method, headers });
  expect(response.status).toBeLessThan(300);
  return response;
}

const resultIn = (dir: string) => JSON.parse(readFileSync(join(dir, 'watch.json'), 'utf8'));

it('mends a DNS record and a service that were deleted, and says what it did', async () => {
  const listed = await meddle('GET', 'api.cloudflare.com', `${ZONE}?name.exact=c00002.mcp.asoos.2100.cool`);
  const [{ id }] = ((await listed.json()) as { result: { id: string }[] }).result;
  await meddle('DELETE', 'api.cloudflare.com', `${ZONE}/${id}`);
  await meddle('DELETE', 'run.googleapis.com', `${SERVICES}/c00001`);

  const { code, stdout } = await sandtable('watch', ...where, '--for', '10m');
  expect(stdout).toMatch(
    /^TOO OFTEN {2}database checks every 5 min, .* are 0\.8 calls a minute for \w+, .* may take 0\.49: half of Atlas calls/,
  );
  expect(stdout).toMatch(/^ +they are made every 8\.5 min instead$/m);
  expect(stdout).toMatch(/c00002 {2}service failed: /);
  expect(stdout).toMatch(
    /c00002 {2}service diagnosis: there is no dnsRecord\n.*c00002 {2}service remedy dnsRecord: mended/,
  );
  expect(stdout).toMatch(/c00001 {2}service remedy service: mended/);
  expect(stdout).toMatch(/unhealthy +none\n/);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /limit +Atlas calls for the database users of a project: \d+ calls, .* refused 0 times/,
  );
  const result = resultIn(folder);
  expect(result.limits).toContainEqual(
    expect.objectContaining({ name: 'atlasUserRequests', kind: 'limiter', refusals: 0 }),
  );
  expect(result.intervals).toContainEqual(expect.objectContaining({ kind: 'database', everyMs: 510_000 }));
  expect(result).toMatchObject({ label: 'emulated', speed: SPEED, isPartial: false, unhealthy: [] });
  expect(result.counts).toMatchObject({ healings: 2, alerts: 0, dropped: 0, heldBack: 0 });
  // Companies that are being mended are not checked meanwhile.
  expect(result.done.service).toBeLessThanOrEqual(result.counts.due.service);
  expect(result.done.service).toBeGreaterThan(result.counts.due.service / 2);
});

it('ends in 1 while a company does not answer its users', async () => {
  await meddle('DELETE', 'run.googleapis.com', `${SERVICES}/c00001`);
  const { code, stdout } = await sandtable('watch', ...where, '--for', '30s');
  expect(stdout).toMatch(/unhealthy +c00001\n/);
  expect(code).toBe(1);
});

it('ends early on Ctrl-C, with a summary that says so', async () => {
  const running = start('watch', ...where, '--for', '24h');
  await running.printed(/service failed/);
  running.process.kill('SIGINT');
  const { code, stdout } = await running.ended;
  expect(stdout).toMatch(/service +\d+ of \d+ checks due/);
  expect(resultIn(folder)).toMatchObject({ isPartial: true });
  expect(code).toBe(130);
});

it.each(['soon', '0s', '25h'])('refuses --for %s', async duration => {
  const { code, stderr } = await sandtable('watch', ...where, '--for', duration);
  expect(stderr).toMatch(/--for is .* at most 24h/);
  expect(code).toBe(2);
});
