// Every input that cannot be used is refused with a sentence that says where, what, what instead.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScenario, parseFacts, parseInteger, parseSets, scenarioHash } from '../../cli/input.ts';
import { listScenarios } from '../../cli/scenarios.ts';
import { validateFile } from '../../cli/validate.ts';
import type { Scenario } from '../../scenarios/scenario.ts';
import { SandtableError } from '../../src/errors.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'sandtable input '));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

function messageOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(SandtableError);
    expect((error as SandtableError).code).toBe('INPUT');
    return (error as SandtableError).message;
  }
  return 'nothing was thrown';
}

const set = (...sets: string[]) => loadScenario('pilot-100', sets);

describe('--set changes', () => {
  const region =
    '{"atlas":[{"project":"000000000000000000000000","cluster":"a"}],"pineconeHost":"a.svc.b.pinecone.io","utcOffsetHours":-5}';
  const cases: [string, string[], (scenario: Scenario) => unknown, unknown][] = [
    ['a number', ['run.seed=7'], ({ run }) => run.seed, 7],
    ['a text', ['run.deadline=90m'], ({ run }) => run.deadline, '90m'],
    ['a quoted text', ['run.deadline="90m"'], ({ run }) => run.deadline, '90m'],
    ['a text that has = in it', ['description=a=b'], ({ description }) => description, 'a=b'],
    ['a text that looks like a number', ['description=17'], ({ description }) => description, '17'],
    [
      'a limit to none',
      ['provisioning.limits.cloudRunDeploysPerMinute=null'],
      ({ provisioning }) => provisioning.limits.cloudRunDeploysPerMinute,
      null,
    ],
    ['an entry of a list', ['kpis.0.required=false'], ({ kpis }) => kpis[0].required, false],
    ['a fact, whose id has dots', ['facts.lat.kms.write=5'], ({ facts }) => facts, { 'lat.kms.write': 5 }],
    ['the whole of a map', ['facts={"lat.kms.read":5}'], ({ facts }) => facts, { 'lat.kms.read': 5 }],
    [
      'an optional field, part by part',
      ['observed.companies=2', 'observed.source=a', 'observed.provisioningMsMean=3'],
      ({ observed }) => observed,
      { companies: 2, source: 'a', provisioningMsMean: 3 },
    ],
    [
      'a list by its next entry',
      ['faults.rules.0={"operation":"kms.*","verdict":"refuse","share":1}', 'faults.rules.0.status=500'],
      ({ faults }) => faults.rules,
      [{ operation: 'kms.*', verdict: 'refuse', share: 1, status: 500 }],
    ],
    [
      'several that fit together',
      [
        'population.companies=101',
        'population.regions.us-east1=1',
        `platform.regions.us-east1=${region}`,
        'traffic.users.us-east1.us-east=1',
      ],
      ({ population }) => population.regions['us-east1'],
      1,
    ],
    ['the same field twice, to the last', ['run.seed=1', 'run.seed=2'], ({ run }) => run.seed, 2],
  ];
  it.each(cases)('%s', (_, sets, read, value) => {
    expect(read(set(...sets))).toEqual(value);
  });

  it('nothing for the next one who loads the scenario', () => {
    set('run.seed=7');
    expect(set().run.seed).toBe(42);
  });
});

describe('--set is refused', () => {
  const cases: [string, string[], string[]][] = [
    [
      'a path with a typo',
      ['populaton.companies=2'],
      ['--set populaton.companies', 'nearest: population.companies'],
    ],
    ['a path with a wrong case', ['provisioning.batchsize=50'], ['nearest: provisioning.batchSize']],
    [
      'a name without its path',
      ['cloudRunDeploysPerMinute=3'],
      ['nearest: provisioning.limits.cloudRunDeploysPerMinute'],
    ],
    ['a level that is none', ['population.levels.DIAMON=0.1'], ['nearest: population.levels.DIAMOND']],
    ['a path below a value', ['run.seed.x=1'], ['--set run.seed.x', 'nearest: run.seed']],
    ['a prototype', ['__proto__.x=1'], ['--set __proto__.x']],
    ['a prototype in a map', ['population.regions.__proto__=1'], ['--set population.regions.__proto__']],
    ['a text without =', ['run.seed'], ['--set run.seed', 'path=value']],
    ['a text without a path', ['=5'], ['--set =5', 'path=value']],
    [
      'an entry far behind a list',
      ['faults.rules.2.share=1'],
      ['faults.rules has 0 entries', 'faults.rules.0'],
    ],
    [
      'a path inside of a text',
      ['faults=x', 'faults.rules.0.share=1'],
      ['faults is "x"', 'nothing can be set in it'],
    ],
    ['a fraction', ['population.companies=1.5'], ['population.companies is 1.5', 'an integer, 1 to 100000']],
    ['a wrong type', ['run.seed=x'], ['run.seed is "x"', 'an integer, 0 to 4294967295']],
    ['a number for a switch', ['kpis.0.required=1'], ['kpis.0.required is 1', 'true or false']],
    [
      'a word that is none',
      ['provisioning.quotas=plann'],
      ['provisioning.quotas is "plann"', '"none", "plan", "vendor"', 'nearest: plan'],
    ],
    ['a batch that the plan does not have', ['provisioning.batchSize=11'], ['is 11', '10, 50, 200, 500']],
    [
      'a rate of 0',
      ['provisioning.limits.cloudRunDeploysPerMinute=0'],
      ['is 0', 'a number above 0', 'or null'],
    ],
    ['too few', ['provisioning.databaseOperationsPerCompany=2'], ['is 2', 'an integer, 3 to 66']],
    [
      'a duration without a unit',
      ['provisioning.admissionBacklog=15'],
      ['provisioning.admissionBacklog is "15"', 'such as "15s"'],
    ],
    [
      'an authority for certificates that nobody has',
      ['platform.dns=wildcard', 'platform.certificateAuthority=lets_encrypt'],
      ['platform.certificateAuthority is "lets_encrypt"', 'no company has a certificate of its own'],
    ],
    [
      'an authority that Cloudflare does not ask',
      ['platform.certificateAuthority=zero_ssl'],
      ['platform.certificateAuthority is "zero_ssl"'],
    ],
    ['a deadline of nothing', ['run.deadline=0s'], ['run.deadline is "0s"']],
    ['an empty list', ['kpis=[]'], ['kpis is []', 'a list, not empty']],
    ['a share above 1', ['population.levels.ONYX=1.4'], ['population.levels.ONYX is 1.4', '0 to 1']],
    ['shares that do not add up', ['population.levels.ONYX=0.5'], ['population.levels adds up to 1.1']],
    [
      'industries that do not add up',
      ['population.industries.retail=0'],
      ['population.industries adds up to 0.8'],
    ],
    [
      'regions that do not add up',
      ['population.companies=200'],
      ['population.regions adds up to 100', '200'],
    ],
    [
      'more advanced companies than companies',
      ['population.advanced=101'],
      ['population.advanced is 101', '100'],
    ],
    [
      'a region without a platform',
      ['population.companies=101', 'population.regions.us-west2=1'],
      ['population.regions.us-west2 has no entry in platform.regions', 'nearest: platform.regions.us-west1'],
    ],
    [
      'an industry without a template',
      ['population.industries.retails=0'],
      [
        'population.industries.retails has no entry in platform.templates',
        'nearest: platform.templates.retail',
      ],
    ],
    [
      'more memory than the vCPU of a template can have',
      ['platform.templates.retail.resources.memoryGiB=9'],
      ['platform.templates.retail.resources.memoryGiB is 9', 'for 2 vCPU it must be 0.125 to 8'],
    ],
    [
      'a template secret that every company has',
      ['platform.templates.retail.secrets=["api-key"]'],
      ['platform.templates.retail.secrets.0 is "api-key"', 'anyway'],
    ],
    [
      'a template secret twice',
      ['platform.templates.retail.secrets=["pos-key","pos-key"]'],
      ['platform.templates.retail.secrets.1 is "pos-key"; it is there twice'],
    ],
    [
      'a template that takes the company its id',
      ['platform.templates.retail.env={"COMPANY_ID":"c00001"}'],
      ['platform.templates.retail.env.COMPANY_ID is not known'],
    ],
    [
      'a level that keeps more instances than it may have',
      ['platform.security.levels.DIAMOND.serviceInstances={"min":3,"max":2}'],
      ['platform.security.levels.DIAMOND.serviceInstances.min is 3', 'at most max, 2'],
    ],
    [
      'a vCPU count that Cloud Run does not have',
      ['platform.templates.retail.resources.vcpu=3'],
      ['platform.templates.retail.resources.vcpu is 3'],
    ],
    [
      'a fact that is none',
      ['facts.lat.kms.wirte=3'],
      ['facts.lat.kms.wirte is not a fact', 'nearest: facts.lat.kms.write'],
    ],
    ['a negative fact', ['facts.lat.kms.write=-1'], ['facts.lat.kms.write is -1', 'a number, 0 to']],
    ['a quota of 0', ['facts.quota.cloud-run.writes=0'], ['facts.quota.cloud-run.writes is 0', 'above 0']],
    [
      'a delay without a time',
      ['faults.rules.0={"operation":"kms.*","verdict":"delayAnswer","share":1}'],
      ['faults.rules.0.delayMs is missing'],
    ],
    [
      'a stale read without an age',
      ['faults.rules.0={"operation":"kms.*","verdict":"readStale","share":1}'],
      ['faults.rules.0.delayMs is missing', '"readStale" needs it'],
    ],
    [
      'a name that is held without an end',
      ['faults.rules.0={"operation":"kms.*","verdict":"holdName","share":1,"delayMs":1}'],
      ['faults.rules.0.operation is "kms.*"', 'no call of it can meet the verdict "holdName"'],
    ],
    [
      'a stale answer to what is no read',
      ['faults.rules.0={"operation":"kms.cryptoKeys.create","verdict":"readStale","share":1,"delayMs":1}'],
      [
        'faults.rules.0.operation is "kms.cryptoKeys.create"',
        'no call of it can meet the verdict "readStale"',
      ],
    ],
    [
      'a stuck operation where nothing takes long',
      ['faults.rules.0={"operation":"pinecone.namespaces.*","verdict":"stick","share":1}'],
      ['faults.rules.0.operation is "pinecone.namespaces.*"', 'can meet the verdict "stick"'],
    ],
    [
      'a token that expires where none is asked for',
      ['faults.rules.0={"operation":"dnsResolver.query","verdict":"expireToken","share":1}'],
      ['faults.rules.0.operation is "dnsResolver.query"', 'can meet the verdict "expireToken"'],
    ],
    [
      'a slow vendor without a factor',
      ['faults.rules.0={"operation":"kms.*","verdict":"slow","share":1}'],
      ['faults.rules.0.times is missing', '"slow" needs it'],
    ],
    [
      'a time in what is no refusal',
      ['faults.rules.0={"operation":"kms.*","verdict":"twice","share":1,"retryAfterMs":5}'],
      ['faults.rules.0.retryAfterMs is 5', 'only the verdict "refuse"'],
    ],
    [
      'a window that ends before it begins',
      ['faults.rules.0={"operation":"kms.*","verdict":"twice","share":1,"fromMs":9,"untilMs":8}'],
      ['faults.rules.0.untilMs is 8', 'above fromMs, 9'],
    ],
    [
      'a fault on nobody',
      ['faults.rules.0={"operation":"kms.*","verdict":"refuse","share":1,"companies":[1,100]}'],
      ['faults.rules.0.companies.1 is 100', 'below'],
    ],
    [
      'a fault on an operation that no fake has',
      ['faults.rules.0={"operation":"cloudRun.service.create","verdict":"refuse","share":1}'],
      ['faults.rules.0.operation is "cloudRun.service.create"', 'nearest: cloudRun.services.create'],
    ],
    [
      'a fault on operations that no fake has',
      ['faults.rules.0={"operation":"cloudrun.*","verdict":"refuse","share":1}'],
      ['faults.rules.0.operation is "cloudrun.*"'],
    ],
    [
      'a quota on all operations that start alike',
      ['faults.quotas=[{"name":"a","operations":["cloudRun.*"],"perMinute":1}]'],
      ['faults.quotas.0.operations.0 is "cloudRun.*"', 'such as "cloudRun.services.create"'],
    ],
    [
      'a quota on an operation that no fake has',
      ['faults.quotas=[{"name":"a","operations":["kms.key.make"],"perMinute":1}]'],
      ['faults.quotas.0.operations.0 is "kms.key.make"', 'nearest: kms.'],
    ],
    [
      "a quota with the name of the plan's",
      ['faults.quotas=[{"name":"cloudRunDeploys","operations":["cloudRun.services.create"],"perMinute":1}]'],
      ['faults.quotas.0.name is "cloudRunDeploys"', "the plan's own"],
    ],
    [
      'two quotas of one name',
      [
        'faults.quotas=[{"name":"a","operations":["cloudRun.services.create"],"perMinute":1},{"name":"a","operations":["cloudRun.services.create"],"perMinute":1}]',
      ],
      ['faults.quotas.1.name is "a"', 'twice'],
    ],
    [
      'one KPI twice',
      ['kpis.1.name=provisioningShareUnder60s', 'kpis.1.target={"op":">=","value":0.9}'],
      ['kpis.1.name', 'twice'],
    ],
    ['a KPI held to the wrong side', ['kpis.0.target.op=<'], ['kpis.0.target.op is "<"', '">="']],
    ['a share of 95', ['kpis.0.target.value=95'], ['kpis.0.target.value is 95', '0 to 1']],
    [
      'fewer replications at most than at first',
      ['run.replicationsMax=3'],
      ['run.replicationsMax is 3', '20'],
    ],
  ];
  it.each(cases)('%s', (_, sets, fragments) => {
    const message = messageOf(() => set(...sets));
    for (const fragment of fragments) expect(message).toContain(fragment);
  });

  it('with all that is wrong, a line each', () => {
    const lines = messageOf(() =>
      set('run.seed=x', 'population.advanced=101', 'provisioning.limits.dnsRecordWritesPerMinute=-1'),
    ).split('\n');
    expect(lines).toHaveLength(3);
    expect(lines[0]).toContain('provisioning.limits.dnsRecordWritesPerMinute is -1');
    for (const line of lines) expect(line.startsWith('pilot-100: ')).toBe(true);
  });
});

describe('a document is refused', () => {
  const good = JSON.stringify(loadScenario('pilot-100'), null, 2);
  const cases: [string, string, string[]][] = [
    ['that is empty', '', ['is not JSON', 'line 1 column 1']],
    ['that ends too early', good.slice(0, good.indexOf('"levels"')), ['is not JSON', 'line']],
    ['that has a comma too many', good.replace('"run": {', '"run": {,'), ['is not JSON', 'line']],
    ['that is a list', '[]', ['the document is []', 'an object']],
    ['that is null', 'null', ['the document is null', 'an object']],
    [
      'with a misspelt field, named before the one that is then missing',
      good.replace('"regions"', '"regoins"'),
      ['population.regoins is not known; nearest: population.regions\n', 'population.regions is missing'],
    ],
    [
      'with a field too many',
      good.replace('"seed"', '"sed": 1, "seed"'),
      ['run.sed is not known; nearest: run.seed'],
    ],
    [
      'with a level that is none',
      good.replace('"ONYX"', '"ONIX"'),
      ['population.levels.ONIX is not known; nearest: population.levels.ONYX'],
    ],
    [
      'without a field',
      good.replace('"advanced": 12,', ''),
      ['population.advanced is missing; it must be an integer, 0 to 100000'],
    ],
    [
      'with a number in quotes',
      good.replace('"advanced": 12', '"advanced": "12"'),
      ['population.advanced is "12"'],
    ],
    ['with a zone that is none', good.replace('023e105f', '023e105g'), ['platform.zones.0.id', 'such as']],
  ];
  it.each(cases)('%s', (_, text, fragments) => {
    const path = file('document.json', text);
    const message = messageOf(() => loadScenario(path));
    expect(message).toContain(path);
    for (const fragment of fragments) expect(message).toContain(fragment);
  });

  it('whatever single field is taken away or replaced by another type', () => {
    const walk = (value: unknown, path: string[]): string[][] =>
      typeof value === 'object' && value !== null
        ? [path, ...Object.entries(value).flatMap(([key, child]) => walk(child, [...path, key]))]
        : [path];
    for (const path of walk(JSON.parse(good), []).filter(
      ([first]) => first !== undefined && first !== '$schema',
    )) {
      const broken = JSON.parse(good);
      const parent = path.slice(0, -1).reduce((value, key) => value[key], broken);
      parent[path.at(-1)!] = [[]];
      const message = messageOf(() => loadScenario(file('broken.json', JSON.stringify(broken))));
      expect(message, path.join('.')).toContain(path.join('.'));
    }
  });

  it('that is not there', () => {
    expect(messageOf(() => loadScenario('./nope.json'))).toContain('there is no file ./nope.json');
    expect(messageOf(() => loadScenario(`${folder}/`))).toContain('cannot be read');
    const message = messageOf(() => loadScenario('pilot'));
    expect(message).toContain('there is no scenario "pilot"; nearest: pilot-100');
    expect(message).toContain(
      'full-plan, load-1000, peak-hour, pilot-100, rollout-10000, rollout-vendor, rollout-waves, today',
    );
  });
});

describe('a scenario', () => {
  it('in a file is the same as by its name', () => {
    expect(loadScenario(file('copy.json', JSON.stringify(set())))).toEqual(set());
  });

  it('has a hash of what it says, not of how it is written', () => {
    const { name, $schema: _, ...rest } = set();
    expect(scenarioHash(set())).toMatch(/^[0-9a-f]{64}$/);
    expect(scenarioHash({ ...rest, $schema: 'elsewhere', name })).toBe(scenarioHash(set()));
    expect(scenarioHash(set('run.seed=43'))).not.toBe(scenarioHash(set()));
    expect(scenarioHash(set('population.regions.us-west1=41', 'population.regions.us-central1=29'))).not.toBe(
      scenarioHash(set()),
    );
  });

  it('is valid or not, in one line', () => {
    expect(validateFile(file('good.json', JSON.stringify(set())))).toBe(
      'OK  pilot-100: 100 companies, 3 regions, 7 KPIs',
    );
    expect(validateFile('today')).toBe('OK  today: 17 companies, 1 region, 2 KPIs');
    expect(messageOf(() => validateFile(file('bad.json', '{}')))).toContain('name is missing');
  });

  it('is listed with its size and what it answers, the smallest first', () => {
    const lines = listScenarios().split('\n').slice(1);
    expect(lines.map(line => line.split(/ {2,}/).slice(0, 2))).toEqual([
      ['today', '17'],
      ['crosscheck-rollout', '60'],
      ['crosscheck-light', '100'],
      ['crosscheck-pool', '100'],
      ['pilot-100', '100'],
      ['load-1000', '1000'],
      ['full-plan', '10000'],
      ['peak-hour', '10000'],
      ['rollout-10000', '10000'],
      ['rollout-vendor', '10000'],
      ['rollout-waves', '10000'],
    ]);
    for (const line of lines) expect(line).toContain('?');
  });
});

describe('flags', () => {
  it('of facts become values by id', () => {
    expect(parseFacts(['lat.kms.write=250', 'lat.kms.read=1e2', 'lat.kms.write=0.5'])).toEqual({
      'lat.kms.write': 0.5,
      'lat.kms.read': 100,
    });
    expect(parseFacts([])).toEqual({});
  });

  it.each([
    ['lat.kms.wirte=1', ['--fact lat.kms.wirte is not a fact', 'nearest: --fact lat.kms.write']],
    ['lat.kms.write=-1', ['--fact lat.kms.write is -1', 'not negative']],
    ['lat.kms.write=', ['is ""', 'a number of ms']],
    ['lat.kms.write=fast', ['is "fast"', 'a number of ms']],
    ['lat.kms.write=0x10', ['is "0x10"']],
    ['lat.kms.write=1e999', ['is Infinity']],
    ['quota.cloud-run.writes=0', ['is 0', 'requests/min above 0']],
    ['lat.kms.write', ['ID=VALUE']],
    ['=1', ['ID=VALUE']],
  ])('--fact %s is refused', (fact, fragments) => {
    const message = messageOf(() => parseFacts([fact]));
    for (const fragment of fragments) expect(message).toContain(fragment);
  });

  it('of settings keep what stands behind the first =', () => {
    expect(parseSets(['a.b=c=d', 'e='])).toEqual([
      { path: 'a.b', text: 'c=d' },
      { path: 'e', text: '' },
    ]);
  });

  it('of integers stay within their limits', () => {
    expect([parseInteger('--seed', '0', 0, 9), parseInteger('--seed', '9', 0, 9)]).toEqual([0, 9]);
    for (const text of ['', ' 1', '1.0', '1e1', '-1', '10', 'x', '٣', '0x1', '9'.repeat(16)])
      expect(messageOf(() => parseInteger('--seed', text, 0, 9))).toBe(
        `--seed is ${JSON.stringify(text)}; it must be an integer, 0 to 9`,
      );
  });
});
