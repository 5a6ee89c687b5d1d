// A fault is a rule with a verdict on one arrow of a call: arrive? → effect? → answer? The clouds ask for each call, at
// each of its stages, which rule hits it.

import { drawUniform, PURPOSE } from '../scenarios/draw.ts';
import type { FaultRule, FaultVerdict } from '../scenarios/scenario.ts';
import type { CallKey } from '../src/ports.ts';
import { credentialOf, type IssuedTokens } from './issuedTokens.ts';
import type { FakeRequest, Match, Route, Service } from './service.ts';

/** When a rule is judged: as the call is sent, as it reaches the vendor's door, or for its effect and its answer. */
type Stage = 'sent' | 'door' | 'effect';

/** What the rules look at. */
export type JudgedCall = {
  readonly service: Service;
  readonly match: Match | undefined;
  readonly operation: string;
  readonly request: FakeRequest;
};

export class Faults {
  private readonly rules: readonly FaultRule[];
  private readonly byStage: Readonly<Record<Stage, readonly FaultRule[]>>;
  private readonly seed: number;
  private readonly issued: IssuedTokens;
  private readonly hits = new Map<FaultRule, number>();
  /** When the first call was sent: the windows count from here. */
  private firstAtMs: number | undefined;

  constructor(rules: readonly FaultRule[], seed: number, issued: IssuedTokens) {
    this.rules = rules;
    this.seed = seed;
    this.issued = issued;
    const at = (stage: Stage) => rules.filter(({ verdict }) => stageOf(verdict) === stage);
    this.byStage = { sent: at('sent'), door: at('door'), effect: at('effect') };
  }

  /** The rule that hits the call at this stage. `read` is not asked when no rule is judged there. */
  on(stage: Stage, nowMs: number, read: () => JudgedCall | undefined): FaultRule | undefined {
    const firstAtMs = (this.firstAtMs ??= nowMs);
    const rules = this.byStage[stage];
    const call = rules.length === 0 ? undefined : read();
    if (call === undefined) return undefined;
    const { service, match, operation, request } = call;
    const concerns = ({ verdict, fromMs = 0 }: FaultRule) =>
      canMeet(verdict, service, match?.route) &&
      (verdict !== 'expireToken' ||
        this.issued.issuedAtMs(credentialOf(request.headers)) < firstAtMs + fromMs);
    const rule = judge(rules, operation, request.key, this.seed, nowMs - firstAtMs, concerns);
    // One that holds names has harmed nobody until somebody wants the name.
    if (rule !== undefined && rule.verdict !== 'holdName') this.hit(rule);
    return rule;
  }

  hit(rule: FaultRule): void {
    this.hits.set(rule, (this.hits.get(rule) ?? 0) + 1);
  }

  /** Calls that each rule has hit so far, in the rules' order. */
  hitsOfRules(): number[] {
    return this.rules.map(rule => this.hits.get(rule) ?? 0);
  }
}

function stageOf(verdict: FaultVerdict): Stage {
  if (verdict === 'delayRequest') return 'sent';
  return verdict === 'refuseConnection' ? 'door' : 'effect';
}

/** The first rule that `concerns` this call and hits it. A rule draws by what it is, so taking another away shifts nothing. */
export function judge(
  rules: readonly FaultRule[],
  operation: string,
  key: CallKey,
  seed: number,
  sinceFirstMs: number,
  concerns: (rule: FaultRule) => boolean = () => true,
): FaultRule | undefined {
  return rules.find(rule => {
    const { fromMs = 0, untilMs = Number.POSITIVE_INFINITY } = rule;
    if (sinceFirstMs < fromMs || sinceFirstMs >= untilMs) return false;
    if (!covers(rule.operation, operation)) return false;
    if (rule.companies !== undefined && !rule.companies.includes(key[0])) return false;
    return concerns(rule) && drawUniform(seed, PURPOSE.fault, [identityOf(rule), ...key]) < rule.share;
  });
}

/** Whether a rule's operation, with or without a star at its end, means this one. */
export function covers(ruled: string, operation: string): boolean {
  return ruled.endsWith('*') ? operation.startsWith(ruled.slice(0, -1)) : ruled === operation;
}

/** Calls that start something that takes its time. */
const LONG_OPERATIONS = [
  'cloudRun.services.create',
  'cloudRun.services.update',
  'cloudRun.services.delete',
  'cloudRun.revisions.delete',
  'cloudflare.dnsRecords.create',
  'cloudflare.dnsRecords.update',
  'cloudflare.dnsRecords.overwrite',
  'cloudflare.dnsRecords.batch',
  'cloudflare.customHostnames.create',
  'cloudflare.customHostnames.update',
  'cloudflare.certificatePacks.order',
  'atlas.clusters.create',
  'atlas.clusters.update',
  'atlas.clusters.delete',
  'firestore.indexes.create',
  'pinecone.indexes.create',
];

/** Those of which a half may be left: the service without a revision that starts, the hostname without a certificate. */
const BREAKABLE_OPERATIONS = [
  'cloudRun.services.create',
  'cloudRun.services.update',
  'cloudflare.customHostnames.create',
  'cloudflare.customHostnames.update',
  'cloudflare.certificatePacks.order',
];

/** A version's name is the vendor's own choice, and no name keeps a token from being made. */
export const CREATION = /(?<!Versions|\btokens)\.(?:create|commit)$/;

/** Whether a call of this route can meet the verdict at all: a read makes nothing, and only a creation takes a name. */
export function canMeet(verdict: FaultVerdict, service: Service, route: Route | undefined): boolean {
  const meets = MEETS[verdict];
  if (meets === undefined) return true;
  return route !== undefined && route.isTokenEndpoint !== true && meets(service, route);
}

/** The verdicts that not every call can meet. */
const MEETS: Partial<Record<FaultVerdict, (service: Service, route: Route) => boolean>> = {
  readStale: (_service, { method }) => method === 'GET',
  stick: (_service, { operation }) => LONG_OPERATIONS.includes(operation),
  breakHalfway: (_service, { operation }) => BREAKABLE_OPERATIONS.includes(operation),
  expireToken: (service, { operation }) => service.authorise({}, 0, operation) !== undefined,
  takeName: (service, { operation }) => service.taken !== undefined && CREATION.test(operation),
  holdName: (service, { operation }) => service.taken !== undefined && operation.endsWith('.delete'),
  conflict: (service, { method }) => service.contended !== undefined && method !== 'GET',
};

/**
 * FNV-1a of what makes two rules different ones: not whom they hit and how often, so that more companies or a larger share
 * leave those hit that were.
 */
function identityOf({ operation, verdict, fromMs = 0, untilMs, ...how }: FaultRule): number {
  const { status, retryAfterMs, delayMs, times } = how;
  let hash = 0x811c9dc5;
  for (const character of [operation, verdict, fromMs, untilMs, status, retryAfterMs, delayMs, times].join(
    ' ',
  ))
    hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
  return hash;
}
