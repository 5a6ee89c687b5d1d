// The gateways' view of the companies' records: the registry's documents in MongoDB, found by their `_id`, which is the
// company's id and the key by which the plan shards them. A replica may answer, so a company that was registered just
// now may be unknown for a moment.

import type { CompanyRecords } from '../ports.ts';
import { connectionTo, guarded } from './mongoClient.ts';
import { byId } from './mongoDocument.ts';
import type { CompanyDocument } from './mongoRegistry.ts';

export type MongoRecords = { readonly records: CompanyRecords; readonly close: () => Promise<void> };

/** Of one gateway's process: what a busy one has under way at the same time. */
const CONNECTIONS_MAX = 50;

/** Connects with the first read. Throws JOURNAL when the address is none; so does a read that fails. */
export function openMongoRecords(url: string): MongoRecords {
  const { database, guard, close } = connectionTo(url, {
    readPreference: 'secondaryPreferred',
    maxPoolSize: CONNECTIONS_MAX,
  });
  const companies = database.collection<CompanyDocument>('companies');
  const projection = { level: 1, serviceUri: 1, isSuspended: 1 };
  const records: CompanyRecords = {
    find: async company => {
      const found = await companies.findOne(byId(company), { projection });
      if (found === null) return undefined;
      const { _id: id, level, serviceUri, isSuspended } = found;
      return isSuspended ? { id, level, serviceUri, isSuspended } : { id, level, serviceUri };
    },
  };
  return { records: guarded(guard, records), close };
}
