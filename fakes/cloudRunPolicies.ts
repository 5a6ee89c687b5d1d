// Who may do what with a service, as its owner writes it down: read, replaced as a whole, and asked about. The fake keeps
// a policy and does not judge requests by it; its one token may do everything.

import type { Deployment } from './cloudRunDeployment.ts';
import { conflict } from './cloudRunRefusals.ts';
import { googleError, unknownName } from './google.ts';
import { type FakeReply, isObject, type RouteContext } from './service.ts';

type Binding = { readonly role: string; readonly members: readonly string[] };
type Policy = { readonly version: 1; readonly bindings?: readonly Binding[]; readonly etag: string };
type Handler = (deployment: Deployment, context: RouteContext) => FakeReply;
export type Policies = Readonly<Record<'get' | 'set' | 'test', Handler>>;

const ROLE = /^(?:roles\/[\w.]+|(?:projects|organizations)\/[\w-]+\/roles\/[\w.]+)$/;
const MEMBER =
  /^(?:allUsers|allAuthenticatedUsers|(?:user|serviceAccount|group):[^\s:@]+@[^\s:@]+|domain:[\w.-]+)$/;
const PERMISSION = /^run(?:\.[a-zA-Z]+){2}$/;
const NOBODY = etagOf(0);

export function createPolicies(): Policies {
  /** By the service's uid: one that is made again has none. */
  const policies = new Map<string, Policy>();
  let changes = 0;
  const policyOf = ({ uid }: Deployment) => policies.get(uid) ?? { version: 1 as const, etag: NOBODY };

  const set: Handler = (deployment, { body }) => {
    const problem = policyProblem(body);
    if (problem !== undefined) return googleError(400, problem);
    const { bindings = [], etag = null } = body.policy;
    const stale = conflict(deployment.id, etag, policyOf(deployment).etag);
    if (stale !== undefined) return stale;
    const policy: Policy = {
      version: 1,
      ...(bindings.length > 0 && { bindings }),
      etag: etagOf(++changes),
    };
    policies.set(deployment.uid, policy);
    return { status: 200, body: policy };
  };

  const test: Handler = (_deployment, { body }) => {
    const { permissions = [], ...rest } = body;
    const unknown = unknownName(rest, ['resource'], 'test_iam_permissions_request');
    if (unknown !== undefined) return googleError(400, unknown);
    const isKnown = (permission: unknown) => typeof permission === 'string' && PERMISSION.test(permission);
    return Array.isArray(permissions) && permissions.every(isKnown)
      ? { status: 200, body: permissions.length === 0 ? {} : { permissions } }
      : googleError(400, 'Permissions must be of Cloud Run, without wildcards.');
  };

  return { get: deployment => ({ status: 200, body: policyOf(deployment) }), set, test };
}

/** Conditions, and with them versions above 1, are not covered. */
// biome-ignore lint/suspicious/noExplicitAny: a client's body, checked here
function policyProblem({ policy, ...rest }: any): string | undefined {
  if (!isObject(policy)) return 'The policy must be specified.';
  const { bindings = [], etag = '', version = 1 } = policy;
  if (!Array.isArray(bindings)) return 'The bindings must be a list.';
  if (typeof etag !== 'string') return "Invalid value at 'policy.etag' (TYPE_BYTES).";
  if (version !== 0 && version !== 1) return `The version ${version} of a policy is not supported.`;
  return (
    unknownName(rest, ['resource'], 'set_iam_policy_request') ??
    unknownName(policy, ['bindings', 'etag', 'version'], 'policy') ??
    bindings.map(bindingProblem).find(problem => problem !== undefined)
  );
}

function bindingProblem(binding: unknown): string | undefined {
  if (!isObject(binding)) return 'A binding must be an object.';
  const { role, members } = binding;
  if (typeof role !== 'string' || !ROLE.test(role)) return `Role ${role} is not valid.`;
  if (!Array.isArray(members) || members.length === 0) return 'A binding must have members.';
  const wrong = members.find(member => typeof member !== 'string' || !MEMBER.test(member));
  if (wrong !== undefined) return `Invalid member ${wrong}.`;
  return unknownName(binding, ['role', 'members'], 'policy.bindings');
}

/** Bytes in base64, like the vendor's: 12 characters, of which the last must leave no bits over. */
function etagOf(change: number): string {
  return `BwY${change.toString(36).padStart(7, 'A')}A=`;
}
