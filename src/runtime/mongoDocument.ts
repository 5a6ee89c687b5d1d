// Single documents in MongoDB, as the stores write them: by their id, whole or a part.

import { type Collection, MongoServerError, type WithId } from 'mongodb';

type Named = { readonly _id: string };

export type Fields = Readonly<Record<string, unknown>>;

const DUPLICATE_KEY = 11_000;

export const isDuplicate = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === DUPLICATE_KEY;

/** Sets these fields in the document of that id, and makes one when there is none. Others that it has stay. */
export async function put<Document extends Named>(
  documents: Collection<Document>,
  id: string,
  fields: Fields,
): Promise<void> {
  const write = () => documents.updateOne(byId(id), { $set: fields } as object, { upsert: true });
  try {
    await write();
  } catch (error) {
    // Another has made it at the same moment.
    if (!isDuplicate(error)) throw error;
    await write();
  }
}

export async function find<Document extends Named>(
  documents: Collection<Document>,
  id: string,
): Promise<WithId<Document> | undefined> {
  return (await documents.findOne(byId(id))) ?? undefined;
}

/** The driver's type of a filter does not follow a type parameter. */
export const byId = (id: string): object => ({ _id: id });
