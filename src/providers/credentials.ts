// The credentials of the vendors' calls: what the platform was given to begin with, and where the next one comes from once
// that is refused. Renewals for all companies under way are one.

import { ATTEMPTS_MAX, BACKOFF_BASE_MS, BACKOFF_CAP_MS, CALL_DEADLINE_MS } from '../limits.ts';
import type { Answer, Call, Chance, Clock, Credentials, Transport, Vendor } from '../ports.ts';
import { jsonOf } from './call.ts';

/** A vendor without a source has a fixed credential, which only people can replace. */
export type Tokens = {
  /** `metadataServer`: the one of the instance that the platform runs on gives out tokens of its service account. */
  readonly google: { readonly token: string; readonly metadataServer?: true };
  readonly atlas: {
    readonly token: string;
    readonly serviceAccount?: { readonly id: string; readonly secret: string };
  };
  readonly cloudflare: { readonly token: string };
  readonly pinecone: { readonly token: string };
};

type Ports = { readonly transport: Transport; readonly clock: Clock; readonly chance: Chance };

/** A call that gives a token, without its key and deadline. */
type Source = Pick<Call, 'method' | 'url' | 'headers' | 'body'>;

/** Numbers of the vendors in the keys of the calls; they belong to no company. */
const VENDOR_KEYS: Readonly<Record<Vendor, number>> = { google: 0, cloudflare: 1, atlas: 2, pinecone: 3 };
const NO_COMPANY = -1;

/** `generation` keeps the keys of one process's calls apart from another's. */
export function createCredentials(ports: Ports, tokens: Tokens, generation: number): Credentials {
  const sources = sourcesOf(tokens);
  const current: Record<Vendor, string> = {
    google: tokens.google.token,
    cloudflare: tokens.cloudflare.token,
    atlas: tokens.atlas.token,
    pinecone: tokens.pinecone.token,
  };
  const underWay = new Map<Vendor, Promise<void>>();
  let calls = 0;

  const fetchToken = async (vendor: Vendor, source: Source): Promise<void> => {
    for (let tries = 1; tries <= ATTEMPTS_MAX; tries++) {
      const key = [NO_COMPANY, VENDOR_KEYS[vendor], generation, 0, calls++];
      const deadlineAtMs = ports.clock.nowMs() + CALL_DEADLINE_MS;
      const outcome = await ports.transport.send({ ...source, key, deadlineAtMs });
      const token = outcome.kind === 'answered' ? tokenOf(outcome) : undefined;
      if (token !== undefined) {
        current[vendor] = token;
        return;
      }
      const backoffMs = Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** tries);
      if (tries < ATTEMPTS_MAX) await ports.clock.sleep(ports.chance.uniform(key) * backoffMs);
    }
  };

  return {
    get: async vendor => current[vendor],
    renew: async (vendor, refused) => {
      const source = sources[vendor];
      if (source === undefined || current[vendor] !== refused) return current[vendor];
      let renewal = underWay.get(vendor);
      if (renewal === undefined) {
        renewal = fetchToken(vendor, source).finally(() => underWay.delete(vendor));
        underWay.set(vendor, renewal);
      }
      await renewal;
      return current[vendor];
    },
  };
}

function sourcesOf({ google, atlas }: Tokens): Partial<Record<Vendor, Source>> {
  return {
    ...(google.metadataServer && {
      google: {
        method: 'GET',
        url: 'http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token',
        headers: { 'metadata-flavor': 'Google' },
      },
    }),
    ...(atlas.serviceAccount && {
      atlas: {
        method: 'POST',
        url: 'https://cloud.mongodb.com/api/oauth/token',
        headers: {
          authorization: `Basic ${btoa(`${atlas.serviceAccount.id}:${atlas.serviceAccount.secret}`)}`,
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
        },
        body: new TextEncoder().encode('grant_type=client_credentials'),
      },
    }),
  };
}

/** OAuth's answer (RFC 6749, 5.1), which both vendors give. */
function tokenOf(answer: Answer): string | undefined {
  const token = answer.status === 200 ? jsonOf(answer)?.access_token : undefined;
  return typeof token === 'string' && token !== '' ? token : undefined;
}
