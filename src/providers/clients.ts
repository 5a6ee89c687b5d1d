// Which thin client makes which step of a company's plan.

import type { Chance, Clock, Registry, Transport } from '../ports.ts';
import { type Company, hostnameOf, type Platform } from '../provisioning/company.ts';
import type { Step } from '../provisioning/plan.ts';
import type { Verbs } from '../provisioning/verbs.ts';
import { keyAccessVerbs, secretAccessVerbs, userAccessVerbs } from './access.ts';
import { databaseIndexVerbs, databaseRoleVerbs, databaseUserVerbs } from './atlas.ts';
import { createSend } from './call.ts';
import { certificateRenewalVerbs } from './certificateRenewal.ts';
import { certificateVerbs, dnsRecordVerbs } from './cloudflare.ts';
import { serviceVerbs } from './cloudRun.ts';
import { healthVerbs } from './companyService.ts';
import { createCredentials, type Tokens } from './credentials.ts';
import { dnsTargetVerbs } from './dnsTarget.ts';
import { documentVerbs } from './firestore.ts';
import { cryptoKeyVerbs } from './kms.ts';
import { namespaceVerbs } from './pinecone.ts';
import { propagationVerbs } from './resolver.ts';
import { secretVerbs, secretVersionVerbs } from './secretManager.ts';
import { serviceRestartVerbs, serviceSettingsVerbs } from './serviceSettings.ts';
import { documentSettingsVerbs, recordSettingsVerbs } from './settings.ts';

type ClientPorts = {
  readonly transport: Transport;
  readonly chance: Chance;
  readonly registry: Registry;
  readonly clock: Clock;
};

export type VerbsOf = (company: Company, step: Step, idOf: (stepId: string) => string) => Verbs;

/** `generation`: of the process, for the keys of its calls. */
export function createClients(
  ports: ClientPorts,
  platform: Platform,
  tokens: Tokens,
  generation: number,
): VerbsOf {
  const send = createSend(ports.transport, createCredentials(ports, tokens, generation));
  return (company, { kind, part }, idOf) => {
    switch (kind) {
      case 'secret':
        return secretVerbs(send, company, platform, part);
      case 'secretVersion':
        return secretVersionVerbs(send, company, platform, part, ports.chance);
      case 'cryptoKey':
        return cryptoKeyVerbs(send, company, platform);
      case 'databaseRole':
        return databaseRoleVerbs(send, company, platform);
      case 'databaseUser':
        return databaseUserVerbs(send, company, platform);
      case 'databaseIndex':
        return databaseIndexVerbs(send, company, platform, part);
      case 'document':
        return documentVerbs(send, company, platform);
      case 'namespace':
        return namespaceVerbs(send, company, platform);
      case 'service':
        return serviceVerbs(send, company, platform);
      case 'dnsRecord':
        return dnsRecordVerbs(send, company, platform, hostOf(idOf('service')));
      case 'certificate':
        return certificateVerbs(send, company, platform);
      case 'propagation':
        return propagationVerbs(send, company, platform, hostOf(idOf('service')));
      case 'health':
        return healthVerbs(send, company, platform);
      case 'registration':
        return registrationVerbs(ports, company, platform, idOf('service'));
      case 'serviceSettings':
        return serviceSettingsVerbs(send, company, platform, part);
      case 'serviceRestart':
        return serviceRestartVerbs(send, company, platform);
      case 'dnsTarget':
        return dnsTargetVerbs(send, company, platform, hostOf(idOf('service')));
      case 'certificateRenewal':
        return certificateRenewalVerbs(send, company, platform, ports.clock.nowMs);
      case 'documentSettings':
        return documentSettingsVerbs(send, company, platform);
      case 'recordSettings': {
        const { registry, clock } = ports;
        return recordSettingsVerbs(registry, clock.nowMs, company, platform, part, idOf('service'));
      }
      case 'userAccess':
        return userAccessVerbs(send, company, platform, part);
      case 'secretAccess':
        return secretAccessVerbs(send, company, platform, part);
      case 'keyAccess':
        return keyAccessVerbs(send, company, platform, part);
    }
  };
}

const hostOf = (uri: string) => uri.replace('https://', '');

/** The last step: the company enters the platform's own registry. Writing the same record twice is harmless. */
function registrationVerbs(
  { registry, clock }: ClientPorts,
  company: Company,
  platform: Platform,
  uri: string,
): Verbs {
  const { id, region, level, industry } = company;
  return {
    create: async () => {
      const record = {
        id,
        region,
        level,
        industry,
        hostname: hostnameOf(company, platform),
        serviceUri: uri,
      };
      await registry.put({ ...record, registeredAtMs: clock.nowMs() });
      return { kind: 'done', id };
    },
    find: async () => ((await registry.get(id)) === undefined ? { kind: 'absent' } : { kind: 'done', id }),
    remove: async () => {
      await registry.delete(id);
      return { kind: 'done', id };
    },
  };
}
