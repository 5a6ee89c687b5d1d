// Companies whose services exist without having been provisioned here: a run of traffic alone finds all of them
// running. Their hosts look like Cloud Run's own, and whether an instance is warm when a run begins is asked once.

import type { CompanyConfig } from '../src/ports.ts';
import type { RunningService } from './cloudRun.ts';
import { REGION_CODES } from './cloudRunResources.ts';

export type AdoptedCompany = { readonly id: string; readonly index: number };

const HOST = /^(.+)-adopted-([a-z]{2})\.a\.run\.app$/;
const CODES = new Set(Object.values(REGION_CODES));

/** Origin of an adopted company's service; `region` is one of the platform's. */
export function adoptedServiceUri(id: string, region: string): string {
  if (!Object.hasOwn(REGION_CODES, region)) throw new Error(`no company can be adopted in ${region}`);
  return `https://${id}-adopted-${REGION_CODES[region]}.a.run.app`;
}

/** What the gateways know of an adopted company. */
export const adoptedConfig = ({
  id,
  level,
  region,
}: Omit<CompanyConfig, 'serviceUri'> & { readonly region: string }): CompanyConfig => ({
  id,
  level,
  serviceUri: adoptedServiceUri(id, region),
});

export class AdoptedServices {
  /** A company counts as adopted under every region's code, since nobody asks under another than its own. */
  private readonly byHost = new Map<string, AdoptedService>();
  private readonly byId: ReadonlyMap<string, AdoptedCompany>;
  private readonly services = new Map<string, AdoptedService>();
  private readonly idleMs: () => number;
  private readonly warmAt: (index: number) => boolean;

  constructor(
    companies: readonly AdoptedCompany[],
    idleMs: () => number,
    warmAt: (index: number) => boolean = () => false,
  ) {
    this.byId = new Map(companies.map(company => [company.id, company]));
    this.idleMs = idleMs;
    this.warmAt = warmAt;
  }

  /** Undefined when no adopted company has that host. */
  serviceByHost(host: string, nowMs: number): RunningService | undefined {
    if (this.byId.size === 0) return undefined;
    const service = this.byHost.get(host) ?? this.open(host, nowMs);
    service?.look(nowMs);
    return service;
  }

  private open(host: string, nowMs: number): AdoptedService | undefined {
    const [, id, code] = HOST.exec(host) ?? [];
    const company = CODES.has(code) ? this.byId.get(id) : undefined;
    if (company === undefined) return undefined;
    let service = this.services.get(id);
    if (service === undefined) {
      const hitAtMs = this.warmAt(company.index) ? nowMs : -Infinity;
      this.services.set(id, (service = new AdoptedService(id, this.idleMs(), hitAtMs)));
    }
    this.byHost.set(host, service);
    return service;
  }
}

class AdoptedService implements RunningService {
  readonly uid: string;
  readonly company: string;
  readonly ready = true;
  warm = false;
  private readonly idleMs: number;
  private hitAtMs: number;
  private nowMs = 0;

  constructor(id: string, idleMs: number, hitAtMs: number) {
    this.uid = `adopted-${id}`;
    this.company = id;
    this.idleMs = idleMs;
    this.hitAtMs = hitAtMs;
  }

  /** As it is now: one lookup answers one call. */
  look(nowMs: number): void {
    this.nowMs = nowMs;
    this.warm = nowMs - this.hitAtMs <= this.idleMs;
  }

  touch(): void {
    this.hitAtMs = this.nowMs;
  }
}
