// What takes two fields of a scenario to be wrong, or the facts catalogue. problems.ts asks these rules after the schema.

import { Cloud } from '../fakes/cloud.ts';
import { canMeet, covers } from '../fakes/faults.ts';
import { KPI_SHAPES } from '../reports/kpiShape.ts';
import { FACTS, FactValues } from '../scenarios/facts.ts';
import { durationMs, type FaultRule } from '../scenarios/scenario.ts';
import { type Rule, repeated, shares, total, unlisted, when } from './rule.ts';
import { TEMPLATE_RULES } from './templateRules.ts';
import { TRAFFIC_RULES } from './trafficRules.ts';
import { nearest, show } from './words.ts';

/** Quotas of one name share one count. */
const PLAN_QUOTAS = ['dnsRecordWrites', 'cloudRunDeploys', 'databaseOperations'];

/** They say by how much. */
const DELAYED_VERDICTS = ['delayRequest', 'delayAnswer', 'readStale', 'holdName'];

export const RULES: readonly Rule[] = [
  {
    needs: ['population.companies', 'population.regions'],
    find: ({ population: { companies, regions } }) => {
      const sum = total(regions);
      return when(
        sum !== companies,
        `population.regions adds up to ${sum}; it must be population.companies, ${companies}`,
      );
    },
  },
  {
    needs: ['population.companies', 'population.advanced'],
    find: ({ population: { companies, advanced } }) =>
      when(
        advanced > companies,
        `population.advanced is ${advanced}; it must be at most population.companies, ${companies}`,
      ),
  },
  { needs: ['population.levels'], find: ({ population }) => shares('population.levels', population.levels) },
  {
    needs: ['population.industries'],
    find: ({ population }) => shares('population.industries', population.industries),
  },
  {
    needs: ['population.regions', 'platform.regions'],
    find: ({ population, platform }) =>
      unlisted('population.regions', population.regions, 'platform.regions', platform.regions),
  },
  {
    needs: ['population.industries', 'platform.templates'],
    find: ({ population, platform }) =>
      unlisted('population.industries', population.industries, 'platform.templates', platform.templates),
  },
  {
    needs: ['platform.dns'],
    find: ({ platform: { dns, certificateAuthority } }) =>
      when(
        dns === 'wildcard' && certificateAuthority !== undefined,
        `platform.certificateAuthority is ${show(certificateAuthority)}; with platform.dns "wildcard" no company has a certificate of its own`,
      ),
  },
  ...TEMPLATE_RULES,
  {
    needs: ['population.companies', 'provisioning'],
    find: ({ population: { companies }, provisioning: { waves } }) =>
      (waves?.steps ?? []).flatMap(({ upTo }, i, steps) => [
        ...when(
          i > 0 && upTo <= steps[i - 1].upTo,
          `provisioning.waves.steps.${i}.upTo is ${upTo}; it must be above that of the wave before, ${steps[i - 1]?.upTo}`,
        ),
        ...when(
          i === steps.length - 1 && upTo !== companies,
          `provisioning.waves.steps.${i}.upTo is ${upTo}; the last wave must be up to population.companies, ${companies}`,
        ),
      ]),
  },
  {
    needs: ['facts'],
    find: ({ facts }) =>
      Object.entries(facts).flatMap(([id, value]) => factProblem(`facts.${id}`, id, value) ?? []),
  },
  {
    needs: ['population.companies', 'faults.rules'],
    find: ({ population: { companies }, faults: { rules } }) =>
      rules.flatMap((rule, i) => [
        ...when(
          DELAYED_VERDICTS.includes(rule.verdict) && rule.delayMs === undefined,
          `faults.rules.${i}.delayMs is missing; the verdict "${rule.verdict}" needs it`,
        ),
        ...when(
          rule.verdict === 'slow' && rule.times === undefined,
          `faults.rules.${i}.times is missing; the verdict "slow" needs it`,
        ),
        ...when(
          rule.verdict !== 'refuse' && rule.retryAfterMs !== undefined,
          `faults.rules.${i}.retryAfterMs is ${rule.retryAfterMs}; only the verdict "refuse" may have it`,
        ),
        ...when(
          rule.untilMs !== undefined && rule.untilMs <= (rule.fromMs ?? 0),
          `faults.rules.${i}.untilMs is ${rule.untilMs}; it must be above fromMs, ${rule.fromMs ?? 0}`,
        ),
        ...(rule.companies ?? []).flatMap((company, j) =>
          when(
            company >= companies,
            `faults.rules.${i}.companies.${j} is ${company}; it must be below population.companies, ${companies}`,
          ),
        ),
      ]),
  },
  {
    needs: ['faults'],
    find: ({ faults: { quotas, rules } }) => [
      ...rules.flatMap((rule, i) => [
        ...operationProblem(`faults.rules.${i}.operation`, rule.operation),
        ...verdictProblem(`faults.rules.${i}.operation`, rule),
      ]),
      ...quotas.flatMap(({ operations }, i) =>
        operations.flatMap((operation, j) =>
          operationProblem(`faults.quotas.${i}.operations.${j}`, operation),
        ),
      ),
    ],
  },
  {
    needs: ['faults.quotas'],
    find: ({ faults: { quotas } }) => [
      ...repeated('faults.quotas', quotas),
      ...quotas.flatMap(({ name }, i) =>
        when(
          PLAN_QUOTAS.includes(name),
          `faults.quotas.${i}.name is ${show(name)}; the plan's own limit has that name`,
        ),
      ),
    ],
  },
  ...TRAFFIC_RULES,
  { needs: ['kpis'], find: ({ kpis }) => repeated('kpis', kpis) },
  {
    needs: ['kpis'],
    find: ({ kpis }) =>
      kpis.flatMap(({ name, target }, i) => {
        const { op, unit } = KPI_SHAPES[name];
        return [
          ...when(
            target.op !== op,
            `kpis.${i}.target.op is ${show(target.op)}; for ${name} it must be "${op}"`,
          ),
          ...when(
            unit === 'share' && target.value > 1,
            `kpis.${i}.target.value is ${target.value}; for ${name} it must be a share, 0 to 1`,
          ),
        ];
      }),
  },
  {
    needs: ['run.replications', 'run.replicationsMax'],
    find: ({ run: { replications, replicationsMax } }) =>
      when(
        replicationsMax < replications,
        `run.replicationsMax is ${replicationsMax}; it must be at least run.replications, ${replications}`,
      ),
  },
  {
    needs: ['run.deadline'],
    find: ({ run: { deadline } }) =>
      when(durationMs(deadline) === 0, `run.deadline is ${show(deadline)}; it must be longer than nothing`),
  },
];

/** Every service of the fakes. */
const services = () =>
  new Cloud({
    seed: 0,
    facts: new FactValues('mid', {}),
    quotas: [],
    resourceQuotas: false,
    faults: [],
    token: '',
    domain: 'example.com',
  }).services;

/** A fault on an operation that no fake has would never hit, and the run would seem to have stood it. */
function operationProblem(path: string, operation: string): string[] {
  const operations = services().flatMap(({ routes }) => routes.map(route => route.operation));
  const start = operation.replace('*', '');
  const isKnown =
    operation === start ? operations.includes(operation) : operations.some(name => name.startsWith(start));
  return when(
    !isKnown,
    `${path} is ${show(operation)}; no fake has such an operation${nearest(operation, operations)}`,
  );
}

/** Nor would one whose verdict no such call can meet. */
function verdictProblem(path: string, { operation, verdict }: FaultRule): string[] {
  const ruled = services().flatMap(service =>
    service.routes.filter(route => covers(operation, route.operation)).map(route => ({ service, route })),
  );
  return when(
    ruled.length > 0 && !ruled.some(({ service, route }) => canMeet(verdict, service, route)),
    `${path} is ${show(operation)}; no call of it can meet the verdict "${verdict}"`,
  );
}

/** What is wrong with a value for the fact `id`, or undefined. Only a duration may be 0: a rate of 0 ends every run. */
export function factProblem(path: string, id: string, value: number): string | undefined {
  const fact = FACTS.find(fact => fact.id === id);
  const ids = FACTS.map(fact => fact.id);
  if (fact === undefined)
    return `${path} is not a fact${nearest(id, ids, path.slice(0, path.length - id.length))}`;
  if (!Number.isFinite(value) || value < 0)
    return `${path} is ${value}; it must be a number of ${fact.unit}, not negative`;
  if (value === 0 && fact.unit !== 'ms') return `${path} is 0; it must be a number of ${fact.unit} above 0`;
  return undefined;
}
