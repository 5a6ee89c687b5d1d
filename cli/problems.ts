// What is wrong with a scenario document, in sentences that name the field, its value, what is allowed and the nearest
// right name. The schema finds what one field can tell; RULES holds what takes two fields, or the facts catalogue.

import { Ajv, type ErrorObject } from 'ajv';
import { closest } from 'fastest-levenshtein';
import { Cloud } from '../fakes/cloud.ts';
import { FACTS, FactValues } from '../scenarios/facts.ts';
import scenarioSchema from '../scenarios/scenario.schema.json' with { type: 'json' };
import { durationMs, type Scenario } from '../scenarios/scenario.ts';

/** As much of JSON Schema as `scenario.schema.json` uses. A map has `additionalProperties` instead of `properties`. */
export type Schema = {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly propertyNames?: { readonly enum?: readonly string[]; readonly pattern?: string };
  readonly items?: Schema;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly minimum?: number;
  readonly exclusiveMinimum?: number;
  readonly maximum?: number;
};

type Problem = { readonly path: string; readonly text: string; readonly rank: number };

export const SCHEMA: Schema = scenarioSchema;
const validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile(scenarioSchema);

/** A misspelt name also makes the right one missing: names come first, what is missing last. */
const RANK = { name: 0, value: 1, missing: 2 };
const SHOWN_MAX = 80;

/** One sentence a problem, the most specific first; empty when the document is a scenario. */
export function problemsOf(document: unknown): string[] {
  validate(document);
  const problems = (validate.errors ?? []).filter(error => error.propertyName === undefined).map(problemOf);
  const isBroken = (need: string) => problems.some(({ path }) => within(path, need) || within(need, path));
  const found = RULES.filter(({ needs }) => !needs.some(isBroken)).flatMap(({ find }) =>
    find(document as Scenario),
  );
  const all = [...problems, ...found.map(text => ({ path: '', text, rank: RANK.value }))];
  return [...new Set(all.sort((a, b) => a.rank - b.rank || depth(b) - depth(a)).map(({ text }) => text))];
}

const depth = ({ path }: Problem): number => path.split('.').length;
const within = (path: string, parent: string): boolean =>
  parent === '' || path === parent || path.startsWith(`${parent}.`);

export function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

/** `; nearest: a` of the right names, or nothing when there are none. */
export function nearest(name: string, names: readonly string[], prefix = ''): string {
  return names.length === 0 ? '' : `; nearest: ${prefix}${closest(name, [...names])}`;
}

function problemOf({ keyword, instancePath, params, parentSchema, data }: ErrorObject): Problem {
  const path = instancePath.slice(1).split('/').map(unescapePointer).join('.');
  const schema = parentSchema as Schema;
  const prefix = path === '' ? '' : `${path}.`;
  if (keyword === 'required') {
    const missing = `${prefix}${params.missingProperty}`;
    const text = `${missing} is missing; it must be ${allowed(schema.properties![params.missingProperty])}`;
    return { path: missing, text, rank: RANK.missing };
  }
  if (keyword === 'additionalProperties' || keyword === 'propertyNames') {
    const name: string = params.additionalProperty ?? params.propertyName;
    const names = schema.propertyNames?.enum ?? Object.keys(schema.properties ?? {});
    const text = `${prefix}${name} is not known${nearest(name, names, prefix)}`;
    return { path: `${prefix}${name}`, text, rank: RANK.name };
  }
  const hint = keyword === 'enum' && typeof data === 'string' ? nearest(data, schema.enum!.map(String)) : '';
  const text = `${path || 'the document'} is ${show(data)}; it must be ${allowed(schema)}${hint}`;
  return { path, text, rank: RANK.value };
}

const unescapePointer = (part: string): string => part.replaceAll('~1', '/').replaceAll('~0', '~');

/** What a schema allows, in words. */
function allowed(schema: Schema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.map(show).join(', ')}`;
  return [schema.type]
    .flat()
    .map(type => WORDS[type!](schema))
    .join(' or ');
}

const WORDS: Readonly<Record<string, (schema: Schema) => string>> = {
  integer: schema => `an integer${range(schema)}`,
  number: schema => `a number${range(schema)}`,
  string: ({ examples }) =>
    examples === undefined ? 'a text, not empty' : `a text such as ${show(examples[0])}`,
  boolean: () => 'true or false',
  null: () => 'null',
  array: () => 'a list, not empty or too long',
  object: () => 'an object, not empty',
};

function range({ minimum, exclusiveMinimum, maximum }: Schema): string {
  return exclusiveMinimum === undefined
    ? `, ${minimum} to ${maximum}`
    : ` above ${exclusiveMinimum}, at most ${maximum}`;
}

/** A rule is asked only when the fields that it `needs` are what the schema says. */
type Rule = { readonly needs: readonly string[]; readonly find: (scenario: Scenario) => string[] };

const SUM_TOLERANCE = 1e-9;
/** Quotas of one name share one count. */
const PLAN_QUOTAS = ['dnsRecordWrites', 'cloudRunDeploys', 'databaseOperations'];

const RULES: readonly Rule[] = [
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
    needs: ['population.industries', 'platform.images'],
    find: ({ population, platform }) =>
      unlisted('population.industries', population.industries, 'platform.images', platform.images),
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
          rule.verdict.startsWith('delay') && rule.delayMs === undefined,
          `faults.rules.${i}.delayMs is missing; the verdict "${rule.verdict}" needs it`,
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
      ...rules.flatMap(({ operation }, i) => operationProblem(`faults.rules.${i}.operation`, operation)),
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
  { needs: ['kpis'], find: ({ kpis }) => repeated('kpis', kpis) },
  {
    needs: ['kpis'],
    find: ({ kpis }) =>
      kpis.flatMap(({ name, target }, i) => {
        const op = name === 'provisioningMsP99' ? '<' : '>=';
        return [
          ...when(
            target.op !== op,
            `kpis.${i}.target.op is ${show(target.op)}; for ${name} it must be "${op}"`,
          ),
          ...when(
            op === '>=' && target.value > 1,
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

const when = (isWrong: boolean, text: string): string[] => (isWrong ? [text] : []);
const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, n) => sum + n, 0);

function shares(path: string, values: Readonly<Record<string, number>>): string[] {
  const sum = total(values);
  return when(Math.abs(sum - 1) > SUM_TOLERANCE, `${path} adds up to ${sum}; shares must add up to 1`);
}

function unlisted(path: string, names: object, where: string, known: object): string[] {
  return Object.keys(names)
    .filter(name => !Object.hasOwn(known, name))
    .map(name => `${path}.${name} has no entry in ${where}${nearest(name, Object.keys(known), `${where}.`)}`);
}

function repeated(path: string, items: readonly { readonly name: string }[]): string[] {
  const names = items.map(({ name }) => name);
  return names.flatMap((name, i) =>
    when(names.indexOf(name) < i, `${path}.${i}.name is ${show(name)}; it is there twice`),
  );
}

/** A fault on an operation that no fake has would never hit, and the run would seem to have stood it. */
function operationProblem(path: string, operation: string): string[] {
  const options = {
    seed: 0,
    facts: new FactValues('mid', {}),
    quotas: [],
    faults: [],
    token: '',
    domain: 'example.com',
  };
  const operations = new Cloud(options).services.flatMap(({ routes }) =>
    routes.map(route => route.operation),
  );
  const start = operation.replace('*', '');
  const isKnown =
    operation === start ? operations.includes(operation) : operations.some(name => name.startsWith(start));
  return when(
    !isKnown,
    `${path} is ${show(operation)}; no fake has such an operation${nearest(operation, operations)}`,
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
