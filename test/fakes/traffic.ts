// Companies that were adopted rather than provisioned, and the calls that a gateway sends to their services.

import { adoptedServiceUri } from '../../fakes/adopted.ts';
import { Cloud, type CloudOptions } from '../../fakes/cloud.ts';
import { bytesOf } from '../../fakes/service.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { userCallOf } from '../../scenarios/requests.ts';
import type { RequestKind } from '../../scenarios/scenario.ts';
import type { Call, Outcome, Transport } from '../../src/ports.ts';
import { DOMAIN, NOW_MS, TOKEN } from './fakeCall.ts';

export const COMPANIES = ['c00000', 'c00001', 'c00002'].map((id, index) => ({ id, index }));
export const [ALICE, BOB] = COMPANIES.map(({ id }) => id);
export const originOf = (company: string) => adoptedServiceUri(company, 'europe-west1');

export function trafficCloud(options: Partial<CloudOptions> = {}): Cloud {
  return new Cloud({
    seed: 42,
    facts: new FactValues('mid', {}),
    quotas: [],
    resourceQuotas: false,
    faults: [],
    token: TOKEN,
    domain: DOMAIN,
    adopted: COMPANIES,
    warmAt: () => true,
    ...options,
  });
}

/** What an agent's request becomes behind the gateway; `change` breaks it. */
export function serviceCall(
  kind: RequestKind,
  company: string,
  agent: number,
  change: {
    readonly to?: string;
    readonly headers?: Record<string, string | undefined>;
    readonly n?: number;
  } = {},
): Call {
  const { method, path, headers, body } = userCallOf(kind, company, agent);
  const { to = company, n = agent } = change;
  const sent = Object.entries({ ...headers, 'x-company': company, ...change.headers });
  return {
    method,
    url: originOf(to) + path,
    headers: Object.fromEntries(sent.filter((entry): entry is [string, string] => entry[1] !== undefined)),
    ...(body !== undefined && { body: new TextEncoder().encode(body) }),
    deadlineAtMs: Number.MAX_SAFE_INTEGER,
    key: [Number(company.slice(1)), -2, 0, 0, n, 3],
  };
}

/** The same call as a function, without a network: it arrives when the test says. */
export function directTransport(cloud: Cloud, nowMs: () => number = () => NOW_MS): Transport {
  return {
    send: async ({ method, url, headers, body, key }): Promise<Outcome> => {
      const { host, pathname: path, searchParams: query } = new URL(url);
      const answer = cloud.arrive({ method, host, path, query, headers, body, key }, nowMs());
      if (answer === undefined || answer.lost) return { kind: 'unknown', reason: 'lost' };
      const { status, headers: answered = {} } = answer.reply;
      return { kind: 'answered', status, headers: answered, body: bytesOf(answer.reply) };
    },
  };
}
