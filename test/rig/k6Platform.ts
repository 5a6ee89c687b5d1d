// A tiny platform for k6 to send to: one real HTTP server a region, that answers as a test says and remembers what it was
// asked; and a scenario that is over in a second.

import { promisify } from 'node:util';
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { type LoadPlanOptions, loadPlanOf } from '../../rig/loadPlan.ts';
import peakHour from '../../scenarios/peak-hour.json' with { type: 'json' };
import type { Scenario } from '../../scenarios/scenario.ts';

export type Asked = {
  readonly region: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};
export type Answer =
  | { readonly status?: number; readonly delayMs?: number; readonly body?: string }
  | 'never';

export type Platform = {
  readonly urls: Readonly<Record<string, string>>;
  readonly asked: readonly Asked[];
  /** Open at the moment. */
  connections(): Promise<number>;
  close(): Promise<void>;
};

const PEAK_HOUR = peakHour as unknown as Scenario;
export const REGIONS = ['europe-west1', 'us-central1', 'us-west1'] as const;
const LEVELS_SHARE = { DIAMOND: 0.5, ONYX: 0.5 };

/** 60 requests a second on average of six companies. */
export const secondOf = (seconds = 1): Scenario => ({
  ...PEAK_HOUR,
  population: {
    ...PEAK_HOUR.population,
    companies: 6,
    regions: { 'us-west1': 3, 'us-central1': 2, 'europe-west1': 1 },
    advanced: 0,
    levels: LEVELS_SHARE,
    agents: 6000,
  },
  traffic: {
    ...PEAK_HOUR.traffic!,
    duration: `${seconds}s`,
    requestsPerAgentHour: 36,
    profile: Array.from({ length: 24 }, () => 1),
  },
});

export const tokenOf: LoadPlanOptions['tokenOf'] = ({ id }) => `token-of-${id}`;

/** With more virtual users than needed, so that a stall of a busy machine drops nothing. */
export const planFor = (urls: Platform['urls'], change: Partial<LoadPlanOptions> = {}) =>
  loadPlanOf({
    scenario: secondOf(),
    seed: 42,
    urls,
    tokenOf,
    inFlightMs: 3000,
    ...change,
  });

/** The company that a request is for, as its host says. */
export const companyOf = ({ headers }: Asked): string => headers.host.split('.')[0];

/** An answer that a company's service could give: with the company's mark in it. */
export const marked = (asked: Asked): Answer => ({ body: `{"company":"${companyOf(asked)}"}` });

export async function startPlatform(answer: (asked: Asked) => Answer): Promise<Platform> {
  const asked: Asked[] = [];
  const apps: FastifyInstance[] = [];
  const urls: Record<string, string> = {};
  for (const region of REGIONS) {
    const app = Fastify({ forceCloseConnections: true });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    app.all('/*', async (request, reply) => {
      const one = askedOf(region, request);
      asked.push(one);
      const given = answer(one);
      if (given === 'never') {
        reply.hijack();
        return;
      }
      const { status = 200, delayMs = 0, body = '{}' } = given;
      if (delayMs > 0) await new Promise(resolve => setTimeout(resolve, delayMs));
      return reply.code(status).type('application/json').send(body);
    });
    apps.push(app);
    urls[region] = await app.listen({ host: '127.0.0.1', port: 0 });
  }
  return {
    urls,
    asked,
    connections: async () => {
      const counts = apps.map(({ server }) => promisify(server.getConnections.bind(server))());
      return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
    },
    close: async () => void (await Promise.all(apps.map(app => app.close()))),
  };
}

function askedOf(region: string, { method, url, headers, body }: FastifyRequest): Asked {
  return {
    region,
    method,
    url,
    headers: headers as Record<string, string>,
    body: typeof body === 'string' ? body : '',
  };
}
