// One issue of a certificate at Cloudflare, as a function of when it was asked for and of the clock:
//
//   initializing ─► pending_validation ─► pending_issuance ─► pending_deployment ─► active ─► expired
//                     │  ▲ the name does not point at the zone yet: checked again, less and less often
//                     └──┴─► validation_timed_out, when the authority's token is too old
//
// `customHostnames.ts` and `certificatePacks.ts` keep the issues.

import { failure } from './cloudflareEnvelope.ts';
import { type FakeReply, isoTime, type RouteContext, type World } from './service.ts';

export const DAY_MS = 86_400_000;

/** Days for which the token that an authority wants to see is good. Source: Cloudflare, validation back-off schedule. */
const AUTHORITIES: Readonly<Record<string, number>> = { google: 14, lets_encrypt: 7, ssl_com: 14 };
/** Unless it is told, the vendor chooses by the name's CAA records; which one without any is assumed. */
const AUTHORITY_DEFAULT = 'google';

/** Where each state ends, as shares of the time until a certificate is active. Assumed. */
const ENDS = { initializing: 0.25, pending_validation: 0.6, pending_issuance: 0.8, pending_deployment: 1 };

/** The pause before each check of a name: a minute, then longer by a twentieth, up to four hours (same source). */
const PAUSE = { firstS: 60, factor: 1.05, maxS: 14_400 };

export type Issue = {
  readonly requestedAtMs: number;
  /** From there until it is active, when nothing stands in its way. */
  readonly issueMs: number;
  readonly authority: string;
  /** How long the authority makes it wait before the first check. */
  readonly queuedMs: number;
  readonly validityMs: () => number;
  /** By how much the check that passed came later than the first; unknown until one has passed. */
  lateMs?: number;
};

/** Whether the name pointed at the zone then, so that the vendor could answer the authority for it. */
export type Points = (atMs: number) => boolean;

export type IssueState = {
  readonly status: string;
  readonly activeAtMs?: number;
  readonly expiresAtMs?: number;
};

export function stateOf(issue: Issue, points: Points, nowMs: number): IssueState {
  const { requestedAtMs, issueMs, authority } = issue;
  const lateMs = latenessOf(issue, points, nowMs);
  if (lateMs === undefined) {
    const ageMs = nowMs - requestedAtMs;
    if (ageMs < issueMs * ENDS.initializing) return { status: 'initializing' };
    const tokenMs = AUTHORITIES[authority] * DAY_MS;
    return { status: ageMs < issue.queuedMs + tokenMs ? 'pending_validation' : 'validation_timed_out' };
  }
  const ageMs = nowMs - (requestedAtMs + lateMs);
  if (ageMs < issueMs) {
    const [status] = Object.entries(ENDS).find(([, end]) => ageMs < issueMs * end)!;
    // The first state is over once a check was made, however late.
    return { status: lateMs > 0 && status === 'initializing' ? 'pending_validation' : status };
  }
  const activeAtMs = requestedAtMs + lateMs + issueMs;
  const expiresAtMs = activeAtMs + issue.validityMs();
  return { status: nowMs < expiresAtMs ? 'active' : 'expired', activeAtMs, expiresAtMs };
}

function latenessOf(issue: Issue, points: Points, nowMs: number): number | undefined {
  if (issue.lateMs !== undefined) return issue.lateMs;
  const firstAtMs = issue.requestedAtMs + issue.issueMs * ENDS.initializing;
  const untilMs = issue.queuedMs + AUTHORITIES[issue.authority] * DAY_MS;
  let pauseS = PAUSE.firstS;
  let lateMs = issue.queuedMs;
  while (firstAtMs + lateMs <= nowMs && lateMs < untilMs) {
    if (points(firstAtMs + lateMs)) return (issue.lateMs = lateMs);
    lateMs += Math.min(Math.floor(pauseS), PAUSE.maxS) * 1000;
    pauseS *= PAUSE.factor;
  }
  return undefined;
}

/** `expires_on` and the like, as far as there is one. */
export const expiryOf = ({ expiresAtMs }: IssueState): object =>
  expiresAtMs === undefined ? {} : { expires_on: isoTime(expiresAtMs) };

export const isAuthority = (value: unknown): value is string =>
  typeof value === 'string' && Object.hasOwn(AUTHORITIES, value);

/** An empty text leaves the choice to the vendor. */
export const authorityOf = (asked: string | undefined): string => asked || AUTHORITY_DEFAULT;

export type Authorities = {
  /** A new issue of a certificate for a name that has had none from this authority yet, or that has (`isRenewal`). */
  issue(authority: string, domain: string, isRenewal: boolean, context: RouteContext): Issue;
};

const WEEK_MS = 7 * DAY_MS;

/** The issues that the authorities let through, for all zones together. */
export function authorities(world: World): Authorities {
  /** When the next certificate of a registered domain would be in time, were there no burst. */
  const dueAtMs = new Map<string, number>();

  /** Let's Encrypt's limit is a bucket of tokens, refilled evenly over the week; who renews a name takes none. */
  const queuedMs = (authority: string, domain: string, isRenewal: boolean, nowMs: number): number => {
    if (!world.resourceQuotas || authority !== 'lets_encrypt' || isRenewal) return 0;
    const perWeek = world.valueOf('quota.lets-encrypt.certificates');
    const registered = registeredDomainOf(domain);
    const intervalMs = WEEK_MS / perWeek;
    const dueMs = Math.max(dueAtMs.get(registered) ?? 0, nowMs) + intervalMs;
    dueAtMs.set(registered, dueMs);
    return Math.max(0, dueMs - WEEK_MS - nowMs);
  };
  return {
    issue: (authority, domain, isRenewal, { nowMs, key }) => ({
      requestedAtMs: nowMs,
      issueMs: world.durationMs('lat.cloudflare.certificate', key),
      authority,
      queuedMs: queuedMs(authority, domain, isRenewal, nowMs),
      validityMs: () => world.valueOf('cloudflare.certificate.validity') * DAY_MS,
    }),
  };
}

/** The last two labels. A public suffix of more than one label is not known here. */
const registeredDomainOf = (domain: string): string => domain.split('.').slice(-2).join('.');

/** What the vendor lists beside a certificate that the authority makes wait. The message is assumed. */
export const waitErrors = ({ queuedMs, requestedAtMs, issueMs }: Issue, nowMs: number): object =>
  queuedMs > 0 && nowMs < requestedAtMs + issueMs * ENDS.initializing + queuedMs
    ? { validation_errors: [{ message: 'The authority has rate limited these domains.' }] }
    : {};

/** Of an attribute of `ssl` or of a certificate pack that the vendor does not take. */
export const invalidSsl = (detail: string): FakeReply =>
  failure(
    400,
    1434,
    `The SSL attribute is invalid. Refer to the API documentation, check your input and try again. ${detail}`,
  );
