// What a plan comes to before anything is run: does it fit, and how long does it take at least?

import { describe, expect, it } from 'vitest';
import { FACTS, FactValues } from '../../scenarios/facts.ts';
import { companiesOf } from '../../scenarios/population.ts';
import { rolloutOptionsOf } from '../../scenarios/rolloutOptions.ts';
import { arithmeticOf } from '../../src/provisioning/arithmetic.ts';
import { type Sets, scenarioOf, simulate } from '../simulator/harness.ts';

function arithmetic(name: string, sets: Sets = {}) {
  const scenario = scenarioOf(sets, name);
  const facts = new FactValues('mid', scenario.facts);
  const options = { ...rolloutOptionsOf(scenario, facts), companies: companiesOf(scenario) };
  return arithmeticOf(options, id => facts.get(id).value);
}

const need = ({ needs }: ReturnType<typeof arithmetic>, quota: string) =>
  needs.find(each => each.quota === quota);

describe('the plan as written', () => {
  const plan = arithmetic('rollout-10000');

  it.each([
    // 1,000 of 4 in 10 companies; the queue mixes the regions evenly.
    ['quota.cloud-run.services', 1000, 4000, 2500],
    ['quota.atlas.users', 100, 4000, 250],
    ['quota.atlas.roles', 100, 4000, 250],
    ['quota.cloudflare.records-per-zone', 3500, 10_000, 3500],
  ])('does not fit %s: %i of %i, room for %i companies', (quota, limit, needed, companiesMax) => {
    expect(need(plan, quota)).toMatchObject({ limit, needed });
    expect(Math.abs(need(plan, quota)!.companiesMax! - companiesMax)).toBeLessThanOrEqual(2);
  });

  it.each([
    'quota.cloudflare.hostnames',
    'quota.pinecone.namespaces',
    // 100 instances of 2 vCPU and 4 GiB: just.
    'quota.cloud-run.cpu',
    'quota.cloud-run.memory',
    // 4,000 services in one region: just.
    'quota.cloud-run.serving-revisions',
    'quota.atlas.projects',
    'quota.atlas.clusters',
    'quota.atlas.billing',
    'quota.pinecone.indexes',
  ])('fits %s', quota => {
    expect(need(plan, quota)!.companiesMax).toBeNull();
  });
});

it('a service that may grow to the plan’s 500 instances has no room in any region', () => {
  const { levels } = scenarioOf({}, 'rollout-10000').platform.security;
  const grown = Object.fromEntries(
    Object.entries(levels).map(([name, level]) => [
      name,
      { ...level, serviceInstances: { min: 0, max: 500 } },
    ]),
  );
  const plan = arithmetic('rollout-10000', { 'platform.security.levels': grown });
  expect(need(plan, 'quota.cloud-run.cpu')).toMatchObject({ limit: 200, needed: 1000, companiesMax: 0 });
});

describe('certificates of Let’s Encrypt', () => {
  const sets = { 'platform.certificateAuthority': 'lets_encrypt', 'provisioning.quotas': 'vendor' };
  const quota = 'quota.lets-encrypt.certificates';

  it.each([
    ['24h', 57],
    ['56d', 450],
  ])(
    'are a week’s 50 for a domain, and as many as come in within a deadline of %s: %i',
    (deadline, limit) => {
      const plan = arithmetic('rollout-10000', { ...sets, 'run.deadline': deadline });
      expect(need(plan, quota)).toEqual({
        ...{ quota, limit, scope: '2100.cool', needed: 10_000, companiesMax: limit },
      });
    },
  );

  it('take 199 weeks at least for all companies', () => {
    const { bounds } = arithmetic('rollout-10000', sets);
    const bound = bounds.find(({ name }) => name === 'letsEncryptCertificates')!;
    expect(bound).toMatchObject({ scope: '2100.cool', calls: 10_000 });
    expect(bound.boundMs / 604_800_000).toBeCloseTo(199, 6);
    const few = arithmetic('pilot-100', sets).bounds.find(({ name }) => name === bound.name)!;
    expect(few.boundMs / 604_800_000).toBeCloseTo(1, 6);
  });

  it('are none where another authority issues them, or one record serves all', () => {
    for (const plan of [arithmetic('rollout-10000'), arithmetic('rollout-vendor')]) {
      expect(need(plan, quota)).toBeUndefined();
      expect(plan.bounds.map(({ name }) => name)).not.toContain('letsEncryptCertificates');
    }
  });
});

describe('every limit of the catalogue', () => {
  /** Kept as a rate, and so a bound of the rollout's time. */
  const RATES = [
    ...['quota.cloud-run.reads', 'quota.cloud-run.writes'],
    ...['quota.secret-manager.reads', 'quota.secret-manager.writes'],
    ...['quota.kms.writes', 'quota.cloudflare.requests', 'quota.atlas.refill.users'],
  ];
  /** Of the others, why no plan is bounded by them. */
  const ELSEWHERE: readonly [ids: RegExp, why: string][] = [
    [
      /\.(memory|connections|collections)\.m\d+$|^quota\.redis\.size$/,
      'decides how large one must be: the bill',
    ],
    [/-max$/, 'what a limit that is reckoned may be raised to'],
    [/^quota\.cloudflare\.block$/, 'how long the rate shuts everybody out'],
    [/^quota\.atlas\.(tokens|refill)\.(?!users)/, 'of calls that a rollout does not make'],
    [/^quota\.atlas\.tokens\.users$/, 'how much of its rate may come at once'],
    [/^quota\.cloudflare\.(batch|certificate-packs|tokens)$/, 'of things that a rollout does not make'],
    [/^quota\.firestore\.(databases|composite-indexes)$/, 'of things that a rollout does not make'],
    [/^quota\.firestore\.(document|request)$/, 'the size of one'],
    [/^quota\.secret-manager\.(version|state)-writes$/, 'of one secret, which is written once'],
    [/^quota\.(secret-manager\.accesses|kms\.reads)$/, 'one call a company, of 600 and more a minute'],
    [/^quota\.(pinecone\.requests|firestore\.ramp-.*)$/, 'a company writes once, and hundreds may a second'],
  ];
  const plan = arithmetic('rollout-10000', { 'platform.certificateAuthority': 'lets_encrypt' });
  const reckoned = new Set([...plan.needs.map(({ quota }) => quota), ...RATES]);

  it.each(FACTS.filter(({ id }) => id.startsWith('quota.')).map(({ id }) => id))(
    'bounds the plan, or it is said why not: %s',
    id => {
      const reasons = ELSEWHERE.filter(([ids]) => ids.test(id)).map(([, why]) => why);
      expect(reckoned.has(id) ? ['reckoned', ...reasons] : reasons).toHaveLength(1);
    },
  );

  it('that is a rate is a bound under the vendors’ quotas', () => {
    const facts = new FactValues('mid', {});
    const scenario = scenarioOf({ 'provisioning.quotas': 'vendor' }, 'rollout-10000');
    const options = { ...rolloutOptionsOf(scenario, facts), companies: companiesOf(scenario) };
    const { bounds } = arithmeticOf(options, id => facts.get(id).value);
    for (const id of RATES) expect(facts.usedIds()).toContain(id);
    expect(bounds.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        ...['cloudRunWrites', 'secretManagerWrites', 'secretManagerReads', 'kmsWrites'],
        ...['cloudflareRequests', 'cloudRunReads', 'atlasUserRequests'],
      ]),
    );
  });
});

describe('what the platform must have before its companies', () => {
  /** So many Atlas projects in us-west1, with a cluster each. */
  const spread = (count: number) => {
    const atlas = Array.from({ length: count }, (_, n) => ({
      ...{ project: n.toString(16).padStart(24, '0'), cluster: `companies-${n}` },
    }));
    return arithmetic('rollout-10000', {
      'platform.regions.us-west1.atlas': atlas,
      facts: { 'quota.atlas.billing': 4 },
    });
  };

  it.each([
    ['quota.atlas.projects', 250, 252],
    // The smallest dedicated cluster costs 0.08 USD an hour.
    ['quota.atlas.billing', 4, 0.08 * 252],
  ])('counts each thing once, however many companies share it: %s', (quota, limit, needed) => {
    const found = need(spread(250), quota)!;
    expect(found).toMatchObject({ limit, scope: 'the organisation' });
    expect(found.needed).toBeCloseTo(needed, 6);
  });

  it('has room for the companies before the first that needs one thing too many', () => {
    const fits = need(spread(40), 'quota.atlas.billing')!;
    expect(fits.companiesMax).toBeNull();
    const { companiesMax } = need(spread(60), 'quota.atlas.billing')!;
    // 50 clusters, of which two are the other regions': the 49th company of 4 in 10.
    expect(Math.abs(companiesMax! - 120)).toBeLessThanOrEqual(5);
  });

  it('has several clusters of one project, and indexes of several regions', () => {
    const project = '65f1c0a4b7d2e3f40a1b2c01';
    const atlas = Array.from({ length: 26 }, (_, n) => ({ project, cluster: `companies-${n}` }));
    const plan = arithmetic('rollout-10000', {
      'platform.regions.us-west1.atlas': atlas,
      facts: { 'quota.pinecone.indexes': 2 },
    });
    expect(need(plan, 'quota.atlas.clusters')).toMatchObject({
      needed: 26,
      scope: `Atlas project ${project}`,
    });
    expect(need(plan, 'quota.atlas.projects')!.needed).toBe(3);
    expect(need(plan, 'quota.pinecone.indexes')).toMatchObject({ limit: 2, needed: 3 });
  });
});

describe('the plan with its placement', () => {
  it('fits everywhere', () => {
    const { needs } = arithmetic('rollout-vendor');
    expect(needs.filter(({ needed, limit }) => needed > limit)).toEqual([]);
    expect(needs.some(({ quota }) => quota.startsWith('quota.cloudflare'))).toBe(false);
  });

  it('takes as long at least as the slowest project takes at its vendor’s rate', () => {
    const { bounds } = arithmetic('rollout-vendor');
    const bound = (name: string) => bounds.find(each => each.name === name)!;
    // 2,500 companies a project, 1,000 of them in its fullest region.
    expect(bound('cloudRunWrites')).toMatchObject({ calls: 1000, perMinute: 60, boundMs: 999_000 });
    expect(bound('kmsWrites')).toMatchObject({ calls: 1000, boundMs: 999_000 });
    expect(bound('secretManagerWrites').boundMs).toBeCloseTo(
      (bound('secretManagerWrites').calls - 1) * 100,
      6,
    );
    expect(bounds.map(({ name }) => name)).not.toContain('cloudflareRequests');
  });
});

it('a quota that one company finds full is the one that the arithmetic names, for as many companies', async () => {
  const sets = {
    'provisioning.quotas': 'vendor',
    'population.companies': 40,
    'population.regions': { 'us-west1': 40 },
    'population.advanced': 4,
    'platform.security.levels': Object.fromEntries(
      Object.entries(scenarioOf({}).platform.security.levels).map(([name, level]) => [
        name,
        { ...level, serviceInstances: { min: 0, max: 10 } },
      ]),
    ),
    facts: { 'quota.cloud-run.services': 30 },
  };
  const { rollout } = await simulate(scenarioOf(sets));
  const ready = rollout.outcome.filter(outcome => outcome === 'ready').length;
  const [unmet] = rollout.needs.filter(({ needed, limit }) => needed > limit);
  expect(unmet).toMatchObject({ quota: 'quota.cloud-run.services', companiesMax: 30 });
  expect(ready).toBe(30);
  expect(Object.values(rollout.reasons)[0]).toMatch(/^service: /);
});
