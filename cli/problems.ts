// What is wrong with a scenario document, in sentences that name the field, its value, what is allowed and the nearest
// right name. The schema finds what one field can tell; rules.ts holds what takes two fields, or the facts catalogue.

import { Ajv, type ErrorObject } from 'ajv';
import scenarioSchema from '../scenarios/scenario.schema.json' with { type: 'json' };
import type { Scenario } from '../scenarios/scenario.ts';
import { RULES } from './rules.ts';
import { nearest, show } from './words.ts';

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
