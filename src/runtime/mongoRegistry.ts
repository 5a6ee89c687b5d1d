// The platform's list of companies in MongoDB, as the provisioner writes it and the gateways read it: one document a
// company, by its id. Fields that others keep in the same document (`status`, `lastAccessed`) are left alone.

import type { Collection } from 'mongodb';
import type { CompanyRecord, Registry } from '../ports.ts';
import { byId, find, put } from './mongoDocument.ts';

/** Whether it is suspended stands in every document: a field that is not set would stay as it was. */
export type CompanyDocument = Omit<CompanyRecord, 'id' | 'isSuspended'> & {
  readonly _id: string;
  readonly isSuspended?: boolean;
};

type Companies = Collection<CompanyDocument>;

/** Of the plan, for those who look for companies by what they do. */
export async function createCompanyIndexes(companies: Companies): Promise<void> {
  await companies.createIndex({ status: 1, region: 1, lastAccessed: -1 });
}

export function registryOf(companies: Companies): Registry {
  return {
    put: ({ id, ...fields }) => put(companies, id, { ...fields, isSuspended: fields.isSuspended === true }),
    get: async id => {
      const found = await find(companies, id);
      return found && recordOf(found);
    },
    delete: async id => void (await companies.deleteOne(byId(id))),
    list: async () => (await companies.find().sort({ _id: 1 }).toArray()).map(recordOf),
  };
}

function recordOf(found: CompanyDocument): CompanyRecord {
  const { _id, region, level, industry, hostname, serviceUri, registeredAtMs, isSuspended } = found;
  const record = { id: _id, region, level, industry, hostname, serviceUri, registeredAtMs };
  return isSuspended ? { ...record, isSuspended } : record;
}
