// The tally of quotas in front of one gateway process of the rig: whose request it is, it reads off the host.

import { type QuotaMinute, QuotaTally } from '../fakes/quotaTally.ts';
import { companiesOf } from '../scenarios/population.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import type { GatewayReply, GatewayRequest } from '../src/gateway/request.ts';
import { hostnameOf } from '../src/provisioning/company.ts';

const ERROR_FROM = 400;
const HEALTH = '/health';

export function createQuotaMeter(scenario: Scenario, nowMs: () => number) {
  const { platform } = scenario;
  const companies = companiesOf(scenario);
  const numbers = new Map(companies.map(company => [hostnameOf(company, platform), company.index]));
  const tally = new QuotaTally(
    company => platform.security.levels[companies[company].level].requestsPerMinute,
  );
  /** Undefined for a request without quota. */
  const arrived = ({ host, path }: GatewayRequest): QuotaMinute | undefined => {
    const company = path === HEALTH ? undefined : numbers.get(host);
    return company === undefined ? undefined : tally.arrived(company, nowMs());
  };
  return {
    figures: () => tally.figures(),
    count: async (request: GatewayRequest, work: () => Promise<GatewayReply>): Promise<GatewayReply> => {
      const minute = arrived(request);
      const reply = await work();
      const isServed = reply.status < ERROR_FROM;
      if (minute === undefined) tally.free(isServed);
      else if (isServed) minute.served++;
      return reply;
    },
  };
}
