// Cloudflare's zones: what the platform was set up with. They are looked at, never made.

import { noRoute, page, success } from './cloudflareEnvelope.ts';
import type { FakeReply, RouteContext, World } from './service.ts';

/** Assumed to be those of older versions of the vendor's description. */
const PAGES = { usual: 20, min: 5, max: 50 };

export function cloudflareZones({ zones }: World) {
  const list = ({ query }: RouteContext): FakeReply => {
    const name = query.get('name');
    const found = [...zones].filter(([, domain]) => name === null || domain === name);
    return page(
      found.map(([id, domain]) => zoneResource(id, domain)),
      query,
      ['name'],
      PAGES,
    );
  };
  const get = ({ params: { zone: id } }: RouteContext): FakeReply => {
    const domain = zones.get(id);
    return domain === undefined ? noRoute(`zones/${id}`) : success(zoneResource(id, domain));
  };
  return { list, get };
}

const zoneResource = (id: string, name: string): object => ({
  ...{ id, name, status: 'active', paused: false, type: 'full', development_mode: 0 },
});
