// Every call of provisioning meets every fault: the company ends ready or cleanly undone, and its neighbour is ready.

import { describe, expect, it } from 'vitest';
import { judge } from '../../fakes/faults.ts';
import type { RolloutMeasurement } from '../../reports/measurement.ts';
import { companiesOf } from '../../scenarios/population.ts';
import type { FaultRule } from '../../scenarios/scenario.ts';
import { ATTEMPTS_MAX, RETRY_AFTER_DEFAULT_MS } from '../../src/limits.ts';
import { planOf } from '../../src/provisioning/plan.ts';
import { leftIn, rolloutOf, simulate, type Witnessed, witness } from './harness.ts';

type Rule = Readonly<Record<string, unknown>>;

/** Two companies, of which only the first meets the faults. */
const hit = (...rules: readonly Rule[]): Promise<Witnessed> =>
  witness(
    rolloutOf(2, {
      'provisioning.databaseOperationsPerCompany': 4,
      'faults.rules': rules.map(rule => ({ companies: [0], ...rule })),
    }),
  );

/** What the first company has left; its index counts only while it is ready, since Atlas cannot drop one. */
const leftOfFirst = ({ entries }: Witnessed): string[] =>
  leftIn(entries).filter(name => name.endsWith(' c00000') && !name.startsWith('databaseIndex'));

/** The step that makes each resource. */
const CREATIONS: readonly (readonly [operation: string, step: string])[] = [
  ['secretManager.secrets.create', 'secret:database-password'],
  ['secretManager.versions.add', 'secretVersion:database-password'],
  ['kms.cryptoKeys.create', 'cryptoKey'],
  ['atlas.customDbRoles.create', 'databaseRole'],
  ['atlas.databaseUsers.create', 'databaseUser'],
  ['atlas.indexes.create', 'databaseIndex:0'],
  ['firestore.documents.commit', 'document'],
  ['pinecone.namespaces.create', 'namespace'],
  ['cloudRun.services.create', 'service'],
  ['cloudflare.dnsRecords.create', 'dnsRecord'],
  ['cloudflare.customHostnames.create', 'certificate'],
];

const LOOKS = [
  // What is nameless is looked for before it is made.
  'secretManager.versions.list',
  'secretManager.versions.access',
  'cloudRun.operations.get',
  'cloudflare.customHostnames.get',
  'dnsResolver.query',
  'companyService.health',
];

const REMOVALS = [
  'secretManager.secrets.delete',
  'secretManager.secrets.get',
  'kms.cryptoKeyVersions.destroy',
  'atlas.customDbRoles.get',
  'atlas.customDbRoles.delete',
  'atlas.databaseUsers.get',
  'atlas.databaseUsers.delete',
  'firestore.documents.delete',
  'pinecone.namespaces.delete',
  'cloudRun.services.delete',
  'cloudflare.dnsRecords.delete',
];

const FAULTS: readonly Rule[] = [
  { verdict: 'refuse', status: 503 },
  { verdict: 'loseRequest' },
  { verdict: 'loseAnswer' },
  // In time for the call's deadline, but late for its answer.
  { verdict: 'delayRequest', delayMs: 14_000 },
  // Longer than a caller waits: the effect happens and the answer comes too late.
  { verdict: 'delayAnswer', delayMs: 20_000 },
];

const SERVICES = ['secretManager', 'kms', 'atlas', 'firestore', 'pinecone', 'cloudRun', 'cloudflare'];

/** The same on every call of every vendor. */
const everywhere = (fault: Rule): Rule[] =>
  SERVICES.map(service => ({ operation: `${service}.*`, ...fault }));

const each = (operations: readonly string[]) =>
  operations.flatMap(operation =>
    FAULTS.map(fault => ({ operation, fault, name: `${fault.verdict} on ${operation}` })),
  );

function expectReadyOrUndone(witnessed: Witnessed): void {
  const { outcome, violations } = witnessed.replication.rollout;
  expect(violations).toEqual([]);
  expect(outcome[1]).toBe('ready');
  expect(['ready', 'undone']).toContain(outcome[0]);
  expect(leftOfFirst(witnessed).length > 0).toBe(outcome[0] === 'ready');
}

const CERTIFICATE_REFUSED = {
  operation: 'cloudflare.customHostnames.create',
  verdict: 'refuse',
  status: 400,
  share: 1,
};

describe('the operations below', () => {
  it('are all that a company without trouble calls, and all that undoing calls', async () => {
    const called = (witnessed: Witnessed) => [
      ...new Set(witnessed.replication.rollout.operations.map(({ operation }) => operation)),
    ];
    const usual = await hit({ ...CERTIFICATE_REFUSED, companies: [] });
    expect(called(usual).sort()).toEqual([...CREATIONS.map(([operation]) => operation), ...LOOKS].sort());
    expect(called(await hit(CERTIFICATE_REFUSED))).toEqual(expect.arrayContaining(REMOVALS));
  });
});

describe('a company whose calls fail now and then', () => {
  it.each(each([...CREATIONS.map(([operation]) => operation), ...LOOKS]))(
    'ends ready or cleanly undone: $name',
    async ({ operation, fault }) => {
      for (const share of [0.5, 0.9]) expectReadyOrUndone(await hit({ operation, share, ...fault }));
    },
  );

  it.each(FAULTS)('ends ready or cleanly undone when it is $verdict everywhere', async fault => {
    expectReadyOrUndone(await hit(...everywhere({ share: 0.3, ...fault })));
  });
});

describe('a company that is undone while its removals fail now and then', () => {
  it.each(each(REMOVALS))('leaves nothing behind: $name', async ({ operation, fault }) => {
    const witnessed = await hit(CERTIFICATE_REFUSED, { operation, share: 0.5, ...fault });
    expect(witnessed.replication.rollout).toMatchObject({ outcome: ['undone', 'ready'], violations: [] });
    expect(leftOfFirst(witnessed)).toEqual([]);
  });
});

describe('a company that is refused for good', () => {
  it.each(CREATIONS)('is undone, and the reason names the step: %s', async (operation, step) => {
    const witnessed = await hit({ operation, verdict: 'refuse', status: 400, share: 1 });
    const { outcome, reasons, violations } = witnessed.replication.rollout;
    expect([outcome, violations]).toEqual([['undone', 'ready'], []]);
    expect(reasons.c00000).toMatch(new RegExp(`^${step}: 400 `));
    expect(leftOfFirst(witnessed)).toEqual([]);
  });

  it.each(CREATIONS)('after its tries when the vendor stays down: %s', async (operation, step) => {
    const witnessed = await hit({ operation, verdict: 'refuse', status: 503, share: 1 });
    const { outcome, reasons, violations } = witnessed.replication.rollout;
    expect([outcome, violations]).toEqual([['undone', 'ready'], []]);
    expect(reasons.c00000).toMatch(new RegExp(`^${step}: given up after ${ATTEMPTS_MAX} tries: 503 `));
    expect(leftOfFirst(witnessed)).toEqual([]);
  });

  it.each([
    ['dnsResolver.query', 'propagation'],
    ['companyService.health', 'health'],
  ])('is undone when the last look never succeeds: %s', async (operation, step) => {
    const witnessed = await hit({ operation, verdict: 'refuse', status: 503, share: 1 });
    expect(witnessed.replication.rollout).toMatchObject({ outcome: ['undone', 'ready'], violations: [] });
    expect(witnessed.replication.rollout.reasons.c00000).toMatch(new RegExp(`^${step}: `));
    expect(leftOfFirst(witnessed)).toEqual([]);
  });

  it('is blocked and named when it cannot be undone either', async () => {
    const removal = { operation: 'atlas.databaseUsers.delete', verdict: 'refuse', status: 400, share: 1 };
    const { replication } = await hit(CERTIFICATE_REFUSED, removal);
    expect(replication.rollout.outcome).toEqual(['blocked', 'ready']);
    expect(replication.rollout.reasons.c00000).toMatch(
      /^certificate: 400 .*; databaseUser could not be removed: 400 /,
    );
  });
});

describe('one call of a hundred companies that is refused with 429 though no quota is short', () => {
  const COMPANY = 20;
  const VERB_KEYS = { create: 0, find: 1 };
  const usual = rolloutOf(100);
  const ids = planOf(companiesOf(usual)[COMPANY], 3).map(({ id }) => id);

  /** A rule and a seed by which it hits the first call of this step, and not the one after the refusal. */
  function strayOf(operation: string, step: string, verb: keyof typeof VERB_KEYS) {
    const rule: FaultRule = { operation, verdict: 'refuse', status: 429, share: 0.5, companies: [COMPANY] };
    const keyOf = (call: number) => [COMPANY, ids.indexOf(step), 0, VERB_KEYS[verb], call, 0];
    const hits = (seed: number) =>
      [0, 1].map(call => judge([rule], operation, keyOf(call), seed, 0) !== undefined);
    let seed = 1;
    while (String(hits(seed)) !== 'true,false') seed++;
    return { rule, seed };
  }

  it.each([
    ['kms.cryptoKeys.create', 'cryptoKey', 'create'],
    ['atlas.databaseUsers.create', 'databaseUser', 'create'],
    ['pinecone.namespaces.create', 'namespace', 'create'],
    ['cloudRun.services.create', 'service', 'create'],
    ['cloudflare.dnsRecords.create', 'dnsRecord', 'create'],
    ['cloudflare.customHostnames.create', 'certificate', 'create'],
  ] as const)('costs the rollout a few seconds at most: %s', async (operation, step, verb) => {
    const { rule, seed } = strayOf(operation, step, verb);
    const { rollout } = await simulate(rolloutOf(100, { 'faults.rules': [rule] }), { seed });
    const refused = rollout.operations.filter(
      one => one.operation === operation && one.fact === 'lat.refusal',
    );
    expect(refused.map(({ calls }) => calls)).toEqual([1]);
    expect(rollout.outcome.filter(outcome => outcome !== 'ready')).toEqual([]);
    expect(rollout.violations).toEqual([]);
    // The gate that the refusal has put up let five calls through in turn, and all others at once.
    expect(rollout.limits.filter(({ kind }) => kind === 'quota')).toMatchObject([{ refusals: 1, calls: 5 }]);
    const { durationMs } = (await simulate(usual, { seed })).rollout;
    expect(rollout.durationMs - durationMs).toBeLessThan(RETRY_AFTER_DEFAULT_MS);
  });
});

describe('200 companies of whose calls three in a hundred meet a fault', () => {
  const callsOf = ({ operations }: RolloutMeasurement) =>
    operations.reduce((sum, { calls }) => sum + calls, 0);
  const throttled = (more: Rule): Rule[] =>
    everywhere({ verdict: 'refuse', status: 429, share: 0.03, ...more });
  const window = { share: 1, fromMs: 20_000, untilMs: 80_000 };
  it.each<[string, readonly Rule[]]>([
    ['executed twice', everywhere({ verdict: 'twice', share: 0.03 })],
    ['429 that says when', throttled({ retryAfterMs: 1000 })],
    ['429 that does not say when', throttled({})],
    ['429 that says at once', throttled({ retryAfterMs: 0 })],
    ['429 that says tomorrow', throttled({ retryAfterMs: 86_400_000 })],
    ['a quota that is used up for a minute', throttled(window)],
    [
      'permissions that are refused now and then',
      everywhere({ verdict: 'refuse', status: 403, share: 0.03 }),
    ],
    ['a long tail', everywhere({ verdict: 'slow', times: 50, share: 0.03 })],
    ['a brown-out of a minute', everywhere({ verdict: 'slow', times: 20, ...window })],
  ])('all end ready, with nothing twice and few calls more: %s', async (_what, rules) => {
    const usual = await simulate(rolloutOf(200));
    const { rollout } = await simulate(rolloutOf(200, { 'faults.rules': rules }));
    expect(rollout.violations).toEqual([]);
    expect(rollout.outcome.filter(one => one !== 'ready')).toEqual([]);
    expect(callsOf(rollout)).toBeLessThan(1.1 * callsOf(usual.rollout));
  });

  it('all end ready though no permission is known for the first 30 s', async () => {
    const usual = await simulate(rolloutOf(200));
    const rules = everywhere({ verdict: 'refuse', status: 403, share: 1, untilMs: 30_000 });
    const { rollout } = await simulate(rolloutOf(200, { 'faults.rules': rules }));
    expect(rollout.violations).toEqual([]);
    expect(rollout.outcome.filter(one => one !== 'ready')).toEqual([]);
    expect(callsOf(rollout)).toBeLessThan(1.1 * callsOf(usual.rollout));
  });

  it('have one version of a secret each though adding one is always executed twice', async () => {
    const twice: Rule = { operation: 'secretManager.versions.add', verdict: 'twice', share: 1 };
    const { rollout } = await simulate(rolloutOf(50, { 'faults.rules': [twice] }));
    expect(rollout.violations).toEqual([]);
    expect(rollout.outcome.filter(one => one !== 'ready')).toEqual([]);
    const destroyed = rollout.operations.find(
      ({ operation }) => operation === 'secretManager.versions.destroy',
    );
    expect(destroyed!.calls).toBeGreaterThanOrEqual(100);
  });
});

describe('many companies in bad weather', () => {
  const rules: readonly Rule[] = FAULTS.flatMap(fault => everywhere({ share: 0.02, ...fault }));

  it('all end ready or undone, with nothing twice and nothing left', async () => {
    const { rollout } = await simulate(rolloutOf(100, { 'faults.rules': rules }));
    expect(rollout.violations).toEqual([]);
    expect(rollout.outcome.filter(one => one !== 'ready' && one !== 'undone')).toEqual([]);
    expect(rollout.outcome.filter(one => one === 'ready').length).toBeGreaterThan(90);
  });
});
