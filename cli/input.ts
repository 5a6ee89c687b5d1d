// From the command line and a file to a scenario that can run. Whatever cannot be used ends in one INPUT error that lists
// every problem, a line each; the commands show it and exit with 2.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { distance } from 'fastest-levenshtein';
import { FACTS } from '../scenarios/facts.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { SandtableError } from '../src/errors.ts';
import { problemsOf, SCHEMA, type Schema } from './problems.ts';
import { factProblem } from './rules.ts';
import { nearest, show } from './words.ts';

/** One `--set path=value`. */
export type Setting = { readonly path: string; readonly text: string };

type JsonObject = Record<string, unknown>;

const FOLDER = new URL('../scenarios/', import.meta.url);
/** What stands beside the scenarios. */
const NO_SCENARIOS = ['scenario.schema.json', 'facts.json', 'calibration.json'];
/** A value that was typed by hand: what a decimal number looks like, without JavaScript's other spellings. */
const NUMBER = /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i;

/** A scenario of the project by its name, or any by its file (a path has a `/` or ends in `.json`), with `--set`s. */
export function loadScenario(nameOrPath: string, sets: readonly string[] = []): Scenario {
  const isPath = /[/\\]|\.json$/.test(nameOrPath);
  if (!isPath && !scenarioNames().includes(nameOrPath))
    throw wrong([
      `there is no scenario ${show(nameOrPath)}${nearest(nameOrPath, scenarioNames())}`,
      `scenarios: ${scenarioNames().join(', ')}; a file needs a / or .json in its name`,
    ]);
  return readScenario(
    isPath ? nameOrPath : fileURLToPath(new URL(`${nameOrPath}.json`, FOLDER)),
    nameOrPath,
    sets,
  );
}

/** The project's own scenarios, in alphabetical order. */
export function scenarioNames(): string[] {
  return readdirSync(FOLDER)
    .filter(file => file.endsWith('.json') && !NO_SCENARIOS.includes(file))
    .map(file => file.slice(0, -'.json'.length))
    .sort();
}

function readScenario(file: string, label: string, sets: readonly string[]): Scenario {
  const document = parseDocument(readText(file), label);
  const settings = parseSets(sets);
  const unknown = settings.filter(({ path }) => locate(path) === undefined);
  if (unknown.length > 0) throw wrong(unknown.map(({ path }) => unknownPath(path, document)));
  for (const setting of settings) apply(document, setting);
  const problems = problemsOf(document);
  if (problems.length > 0) throw wrong(problems.map(problem => `${label}: ${problem}`));
  return document as Scenario;
}

function readText(file: string): string {
  if (!existsSync(file)) throw wrong([`there is no file ${file}`]);
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw wrong([`${file} cannot be read: ${(error as Error).message}`]);
  }
}

function parseDocument(text: string, label: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const { message } = error as Error;
    // Where a document ends too early, the parser says no position: it is the last one.
    const lines = text.split('\n');
    const place = message.includes('end of JSON')
      ? ` at line ${lines.length} column ${lines.at(-1)!.length + 1}`
      : '';
    throw wrong([`${label} is not JSON: ${message}${place}`]);
  }
}

export function parseSets(sets: readonly string[]): Setting[] {
  const without = sets.filter(set => set.indexOf('=') < 1);
  if (without.length > 0)
    throw wrong(without.map(set => `--set ${set}: it must be path=value, such as run.seed=7`));
  return sets.map(set => ({ path: set.slice(0, set.indexOf('=')), text: set.slice(set.indexOf('=') + 1) }));
}

type Place = { readonly keys: readonly string[]; readonly schemas: readonly Schema[] };

/** The way to a path through the schema, or undefined when it leads nowhere. */
function locate(path: string): Place | undefined {
  const parts = path.split('.');
  const keys: string[] = [];
  const schemas: Schema[] = [];
  let schema = SCHEMA;
  while (parts.length > 0) {
    const child = childOf(schema, parts);
    if (child === undefined) return undefined;
    keys.push(child.key);
    schemas.push((schema = child.schema));
  }
  return { keys, schemas };
}

/** Takes the next key off `parts`. */
function childOf(schema: Schema, parts: string[]): { key: string; schema: Schema } | undefined {
  const { properties, additionalProperties, propertyNames, items } = schema;
  if (typeof additionalProperties === 'object') {
    // The keys of a map of plain values may have dots of their own: fact ids.
    const isPlain =
      additionalProperties.properties === undefined &&
      additionalProperties.additionalProperties === undefined;
    const key = parts.splice(0, isPlain ? parts.length : 1).join('.');
    const { pattern, enum: names } = propertyNames ?? {};
    const isName = names?.includes(key) ?? new RegExp(pattern ?? '').test(key);
    return isName ? { key, schema: additionalProperties } : undefined;
  }
  const key = parts.shift()!;
  if (items !== undefined) return /^\d{1,5}$/.test(key) ? { key, schema: items } : undefined;
  return properties !== undefined && Object.hasOwn(properties, key)
    ? { key, schema: properties[key] }
    : undefined;
}

function unknownPath(path: string, document: unknown): string {
  const last = (text: string) => text.slice(text.lastIndexOf('.') + 1);
  const far = (known: string) => {
    const name = distance(last(path), last(known));
    // Nearly the right name in the wrong place is near, whatever the length of the way to it.
    return Math.min(distance(path, known), name * 3 <= last(path).length ? 1 + name : Infinity);
  };
  const known = pathsOf(SCHEMA, document, '').sort((a, b) => far(a) - far(b));
  return `--set ${path}: there is no such path; nearest: ${known[0]}`;
}

/** Every path that can be set: the schema's, with the names that the document has in its maps and lists. */
function pathsOf(
  { properties, additionalProperties, items }: Schema,
  value: unknown,
  prefix: string,
): string[] {
  const held = (typeof value === 'object' && value !== null ? value : {}) as JsonObject;
  const isMap = typeof additionalProperties === 'object';
  const names =
    prefix === 'facts.'
      ? FACTS.map(fact => fact.id)
      : Object.keys(properties ?? (isMap || items ? held : {}));
  return names.flatMap(name => {
    const schema = properties?.[name] ?? items ?? (isMap ? additionalProperties : {});
    return [`${prefix}${name}`, ...pathsOf(schema, held[name], `${prefix}${name}.`)];
  });
}

function apply(document: unknown, { path, text }: Setting): void {
  const { keys, schemas } = locate(path)!;
  let parent = document as JsonObject;
  keys.forEach((key, depth) => {
    const where = keys.slice(0, depth).join('.') || 'the document';
    if (typeof parent !== 'object' || parent === null)
      throw wrong([`--set ${path}: ${where} is ${show(parent)}; nothing can be set in it`]);
    if (Array.isArray(parent) && Number(key) > parent.length)
      throw wrong([
        `--set ${path}: ${where} has ${parent.length} entries; the next one is ${where}.${parent.length}`,
      ]);
    if (depth === keys.length - 1) parent[key] = settingValue(text, schemas[depth]);
    else parent = (parent[key] ??= schemas[depth].items === undefined ? {} : []) as JsonObject;
  });
}

/** JSON where it is JSON, else the text itself; a field of text stays text when it looks like a number. */
function settingValue(text: string, schema: Schema): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return schema.type === 'string' && typeof value !== 'string' ? text : value;
  } catch {
    return text;
  }
}

/** The `--fact ID=VALUE`s; the last one of an id holds. */
export function parseFacts(facts: readonly string[]): Record<string, number> {
  const pairs = facts.map(fact => {
    const [id, value] = [fact.slice(0, Math.max(0, fact.indexOf('='))), fact.slice(fact.indexOf('=') + 1)];
    return { fact, id, value: NUMBER.test(value) ? Number(value) : Number.NaN };
  });
  const problems = pairs.flatMap(({ fact, id, value }) => {
    if (id === '') return [`--fact ${fact}: it must be ID=VALUE, such as lat.kms.write=250`];
    return (
      factProblem(`--fact ${id}`, id, value)?.replace(
        ' is NaN;',
        ` is ${show(fact.slice(id.length + 1))};`,
      ) ?? []
    );
  });
  if (problems.length > 0) throw wrong(problems);
  return Object.fromEntries(pairs.map(({ id, value }) => [id, value]));
}

/** The integer of a flag, such as `--replications 5`. */
export function parseInteger(flag: string, text: string, min: number, max: number): number {
  const value = /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max))
    throw wrong([`${flag} is ${show(text)}; it must be an integer, ${min} to ${max}`]);
  return value;
}

/** SHA-256 of what the scenario says, whatever the order of its keys. */
export function scenarioHash(scenario: Scenario): string {
  const { $schema: _, ...said } = scenario;
  return hashOf(said);
}

/** SHA-256 of a JSON value, whatever the order of its keys. */
export function hashOf(value: object): string {
  return createHash('sha256').update(JSON.stringify(value, sortKeys)).digest('hex');
}

function sortKeys(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function wrong(problems: readonly string[]): SandtableError {
  return new SandtableError('INPUT', problems.join('\n'));
}
