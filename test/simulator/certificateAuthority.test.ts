// Certificates by the authority that the platform names: Let's Encrypt's week is kept before a company is begun, so that
// none waits for a certificate that does not come; and the report says that the plan cannot be done in its time.

import { expect, it } from 'vitest';
import { rolloutOf, type Sets, witness } from './harness.ts';

const WEEK_MS = 604_800_000;
const COMPANIES = 70;
const run = (sets: Sets) =>
  witness(rolloutOf(COMPANIES, { 'provisioning.quotas': 'vendor', 'run.deadline': '24h', ...sets }));
const ENCRYPT = { 'platform.certificateAuthority': 'lets_encrypt' };

it('has as many companies as Let’s Encrypt issues certificates for, and begins none that would wait for one', async () => {
  const { rollout } = (await run(ENCRYPT)).replication;
  expect(rollout.violations).toEqual([]);
  const ready = rollout.outcome.filter(outcome => outcome === 'ready').length;
  // 50 at once and one in three hours and a half: the arithmetic has the same.
  const need = rollout.needs.find(({ quota }) => quota === 'quota.lets-encrypt.certificates')!;
  expect([ready, need.limit, need.companiesMax]).toEqual([57, 57, 57]);
  expect(rollout.outcome.filter(outcome => outcome === 'undone')).toEqual([]);
  const begun = rollout.admittedAtMs.flatMap((atMs, i) => (atMs < 0 ? [] : [rollout.finishedAtMs[i] - atMs]));
  expect(Math.max(...begun.slice(0, ready))).toBeLessThan(120_000);
  const gaps = rollout.admittedAtMs.slice(51, 57).map((atMs, i) => atMs - rollout.admittedAtMs[50 + i]);
  for (const gap of gaps) expect(Math.abs(gap - WEEK_MS / 50)).toBeLessThan(60_000);
  const [most] = rollout.limits.toSorted((a, b) => b.admissionBlockedMs - a.admissionBlockedMs);
  expect(most.name).toBe('letsEncryptCertificates');
});

it('shares the week between two provisioners', async () => {
  const { rollout } = (
    await run({ ...ENCRYPT, 'provisioning.provisioners': 2, 'provisioning.batchSize': 10 })
  ).replication;
  expect(rollout.violations).toEqual([]);
  expect(rollout.outcome.filter(outcome => outcome === 'undone')).toEqual([]);
  const ready = rollout.outcome.filter(outcome => outcome === 'ready').length;
  // Each has promised one company a certificate that it waits for.
  expect(ready).toBeGreaterThanOrEqual(56);
  expect(ready).toBeLessThanOrEqual(57);
});

it('has all companies with another authority, whose certificates nobody counts', async () => {
  for (const sets of [{}, { 'platform.certificateAuthority': 'google' }]) {
    const { rollout } = (await run(sets)).replication;
    expect(rollout.outcome).toEqual(Array(COMPANIES).fill('ready'));
    expect(rollout.limits.map(({ name }) => name)).not.toContain('letsEncryptCertificates');
  }
});
