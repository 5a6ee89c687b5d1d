// Google Cloud Run Admin API v2: the company's service. Creation and deletion are long-running operations: `create`
// gives the operation's name to ask by, and whoever has lost it asks for the service by its name.

import type { run_v2 } from '@googleapis/run';
import { SERVICE_INSTANCES_MAX } from '../limits.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Attempt, CloudResult, Verbs } from '../provisioning/verbs.ts';
import { heldByAnother, jsonOf, type Send, unreadable } from './call.ts';
import { GOOGLE, googleFailure, googleGet, isTaken } from './google.ts';

type RunService = run_v2.Schema$GoogleCloudRunV2Service;
type Operation = run_v2.Schema$GoogleLongrunningOperation;

export const RUN = 'https://run.googleapis.com/v2';

export const serviceNameOf = (company: Company, platform: Platform) =>
  `projects/${placeOf(company, platform).googleProject}/locations/${company.region}/services/${company.id}`;

export function serviceVerbs(send: Send, company: Company, platform: Platform): Verbs {
  const parent = `projects/${placeOf(company, platform).googleProject}/locations/${company.region}`;
  const name = serviceNameOf(company, platform);
  const url = `${RUN}/${name}`;

  const get = (attempt: Attempt, part: number) => googleGet<RunService>(send, url, attempt, part);

  const findByName = async (attempt: Attempt, part: number): Promise<CloudResult> => {
    const found = await get(attempt, part);
    return found.kind === 'found' ? readService(found.resource, company, name) : found;
  };

  return {
    create: async attempt => {
      const createUrl = `${RUN}/${parent}/services?serviceId=${company.id}`;
      const body = serviceOf(company, platform);
      const answer = await send({ method: 'POST', url: createUrl, ...GOOGLE, body }, attempt);
      if (answer.kind !== 'answered') return answer;
      if (isTaken(answer)) return { kind: 'exists' };
      if (answer.status !== 200) return googleFailure(answer);
      const operation = jsonOf(answer) as Operation | undefined;
      return operation?.name ? { kind: 'pending', id: operation.name } : unreadable(answer);
    },
    find: async (attempt, id) => {
      if (!id?.startsWith(`${parent}/operations/`)) return findByName(attempt, 0);
      const answer = await send({ method: 'GET', url: `${RUN}/${id}`, ...GOOGLE }, attempt);
      if (answer.kind !== 'answered') return answer;
      // Operations are kept for a time only; the service itself knows its state.
      if (answer.status === 404) return findByName(attempt, 1);
      if (answer.status !== 200) return googleFailure(answer);
      const operation = jsonOf(answer) as Operation | undefined;
      if (!operation) return unreadable(answer);
      if (!operation.done) return { kind: 'pending', id };
      // The service may be there all the same.
      if (operation.error)
        return { kind: 'broken', reason: `${operation.error.code} ${operation.error.message}` };
      return operation.response?.uri ? { kind: 'done', id: operation.response.uri } : findByName(attempt, 1);
    },
    // It looks first: what is not ours must stay, and each look at a deletion under way would cost a write.
    remove: async attempt => {
      const found = await get(attempt, 0);
      if (found.kind !== 'found') return found;
      if (found.resource.labels?.company !== company.id) return { kind: 'absent' };
      if (found.resource.deleteTime) return { kind: 'pending', id: '' };
      const answer = await send({ method: 'DELETE', url, ...GOOGLE }, attempt, 1);
      if (answer.kind !== 'answered') return answer;
      if (answer.status === 404) return { kind: 'absent' };
      return answer.status === 200 ? { kind: 'pending', id: '' } : googleFailure(answer);
    },
  };
}

/** The industry's container in the plan's configuration; idle companies cost nothing. */
function serviceOf(company: Company, platform: Platform): RunService {
  const { image, env, resources } = platform.templates[company.industry];
  return {
    labels: labelsOf(company),
    ingress: 'INGRESS_TRAFFIC_ALL',
    // The gateway and the health check come without a Google identity.
    invokerIamDisabled: true,
    template: {
      containers: [
        {
          image,
          env: envOf({ COMPANY_ID: company.id, ...env }),
          resources: {
            limits: { cpu: String(resources.vcpu), memory: memoryOf(resources.memoryGiB) },
            cpuIdle: true,
            startupCpuBoost: true,
          },
        },
      ],
      scaling: scalingOf(company, platform),
      maxInstanceRequestConcurrency: 1000,
      timeout: '300s',
    },
  };
}

/** Where the level names none: Cloud Run's own number. The plan's 500 are a region's gateways. */
export function scalingOf({ level }: Company, { security }: Platform) {
  const { min, max } = security?.levels[level]?.serviceInstances ?? { min: 0, max: SERVICE_INSTANCES_MAX };
  return { minInstanceCount: min, maxInstanceCount: max };
}

/** In the order of names, so that the same template is always the same request. */
const envOf = (env: Readonly<Record<string, string>>) =>
  Object.keys(env)
    .sort()
    .map(name => ({ name, value: env[name] }));

/** Cloud Run takes whole numbers of a unit. */
const memoryOf = (gib: number) => (Number.isInteger(gib) ? `${gib}Gi` : `${Math.round(gib * 1024)}Mi`);

export const labelsOf = ({ id, industry, level }: Company): Record<string, string> => ({
  company: id,
  industry: labelOf(industry),
  level: labelOf(level),
});

/** Google's labels are lower case, digits, `_` and `-`, 63 of them at most. */
const labelOf = (text: string) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9_-]/g, '-')
    .slice(0, LABEL_CHARACTERS_MAX);
const LABEL_CHARACTERS_MAX = 63;

function readService(service: RunService, company: Company, name: string): CloudResult {
  if (service.labels?.company !== company.id) return heldByAnother(name);
  // It goes away, and the name with it: absent at a later look.
  if (service.deleteTime) return { kind: 'pending', id: '' };
  const { state, message } = service.terminalCondition ?? {};
  if (state === 'CONDITION_FAILED') return { kind: 'broken', reason: `deployment failed: ${message ?? ''}` };
  if (state === 'CONDITION_SUCCEEDED' && service.uri) return { kind: 'done', id: service.uri };
  return { kind: 'pending', id: '' };
}
