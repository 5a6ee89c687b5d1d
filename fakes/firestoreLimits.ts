// What Firestore limits besides the content of a write: the size of a document and of a request, and how fast a new
// collection's traffic may grow: 500 operations a second at once, half as many more every five minutes.

import type { Effect } from './firestore.ts';
import type { Fields, Value } from './firestoreChecks.ts';
import { googleError } from './google.ts';
import type { FakeReply, World } from './service.ts';

const CONTENTION = 'Too much contention on these datastore entities. Please try again.';
const encoder = new TextEncoder();
const textBytes = (text: string) => encoder.encode(text).length + 1;
/** What the vendor adds to every document, and to its name. */
const DOCUMENT_BYTES = 32;
const NAME_BYTES = 16;

/** A refusal of a commit for its size, or for coming too fast; undefined when it may have its effect. */
export function createLimitsOfWrites(world: World) {
  const ramps = new Map<string, Ramp>();
  return (root: string, body: object, effects: readonly Effect[], nowMs: number): FakeReply | undefined => {
    if (!world.resourceQuotas) return undefined;
    if (encoder.encode(JSON.stringify(body)).length > world.valueOf('quota.firestore.request'))
      return googleError(400, 'Request payload size exceeds the limit.');
    const documentMax = world.valueOf('quota.firestore.document');
    for (const { name, after } of effects) {
      if (after === undefined || documentBytes(name.slice(root.length + 1), after.fields) <= documentMax)
        continue;
      return googleError(400, `Document '${name}' cannot be written because its size exceeds the maximum.`);
    }
    const collections = effects.map(({ name }) => name.slice(0, name.lastIndexOf('/')));
    const counted = [...new Set(collections)].map(collection => {
      const writes = collections.filter(each => each === collection).length;
      const ramp = ramps.get(collection) ?? { firstAtMs: nowMs, nextAtMs: nowMs };
      return { collection, ramp, nextAtMs: nextAfter(world, ramp, writes, nowMs) };
    });
    // A second's worth at once is no excess. That what exceeds is aborted, and not only slow, is assumed.
    if (counted.some(({ nextAtMs }) => nextAtMs - nowMs > 1000))
      return googleError(409, CONTENTION, undefined, 'ABORTED');
    // Of a commit that is refused nothing counts, in whichever of its collections.
    for (const { collection, ramp, nextAtMs } of counted) ramps.set(collection, { ...ramp, nextAtMs });
    return undefined;
  };
}

/** `nextAtMs`: when all that was written so far would be done at the rate of the moment. */
type Ramp = { readonly firstAtMs: number; readonly nextAtMs: number };

/** `nextAtMs` with so many writes more. */
function nextAfter(world: World, ramp: Ramp, writes: number, nowMs: number): number {
  const periods = Math.floor((nowMs - ramp.firstAtMs) / world.valueOf('quota.firestore.ramp-period'));
  const start = world.valueOf('quota.firestore.ramp-start');
  const perSecond = start * world.valueOf('quota.firestore.ramp-growth') ** periods;
  return Math.max(ramp.nextAtMs, nowMs) + (writes * 1000) / perSecond;
}

/** By the vendor's own sums of a document's size. `path`: the collection and the document. */
export function documentBytes(path: string, fields: Fields): number {
  const name = path.split('/').reduce((sum, part) => sum + textBytes(part), NAME_BYTES);
  return name + fieldsBytes(fields) + DOCUMENT_BYTES;
}

const fieldsBytes = (fields: Fields) =>
  Object.entries(fields).reduce((sum, [name, value]) => sum + textBytes(name) + valueBytes(value), 0);

function valueBytes(value: Value): number {
  const [[type, content]] = Object.entries(value);
  switch (type) {
    case 'nullValue':
    case 'booleanValue':
      return 1;
    case 'stringValue':
      return textBytes(content as string);
    case 'bytesValue':
      return atob(content as string).length;
    case 'referenceValue':
      return (content as string).split('/').reduce((sum, part) => sum + textBytes(part), NAME_BYTES);
    case 'geoPointValue':
      return 16;
    case 'arrayValue':
      return ((content as { values?: Value[] }).values ?? []).reduce(
        (sum, each) => sum + valueBytes(each),
        0,
      );
    case 'mapValue':
      return fieldsBytes((content as { fields?: Fields }).fields ?? {});
    default:
      return 8;
  }
}
