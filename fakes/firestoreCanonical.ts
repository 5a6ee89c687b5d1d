// A document's values as Firestore gives them out again, whatever way they were written in: times in UTC and cut to
// microseconds, integers without zeros in front, and nothing that is empty.

import type { Fields, Value } from './firestoreChecks.ts';
import { epochMsOf, nanosOf } from './firestoreValues.ts';
import { isoTime } from './service.ts';

export const canonicalFields = (fields: Fields): Fields =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, canonical(value)]));

function canonical(value: Value): Value {
  const [[type, content]] = Object.entries(value);
  switch (type) {
    case 'nullValue':
      return { nullValue: null };
    case 'integerValue':
      return { integerValue: String(BigInt(content as string)) };
    case 'timestampValue':
      return { timestampValue: inUtc(content as string) };
    case 'geoPointValue':
      return {
        geoPointValue: Object.fromEntries(
          Object.entries(content as object).filter(([, degrees]) => degrees !== 0),
        ),
      };
    case 'arrayValue': {
      // A list that is null is one that is not there.
      const values = (content as { values?: readonly Value[] | null }).values ?? [];
      return { arrayValue: values.length === 0 ? {} : { values: values.map(canonical) } };
    }
    case 'mapValue': {
      const { fields = {} } = content as { fields?: Fields };
      return { mapValue: Object.keys(fields).length === 0 ? {} : { fields: canonicalFields(fields) } };
    }
    default:
      return value;
  }
}

/** With no, three or six digits of a second. */
function inUtc(time: string): string {
  const micros = nanosOf(time).slice(0, 6);
  const digits = micros.replace(/(?:000){1,2}$/, '');
  const seconds = isoTime(epochMsOf(time)!).slice(0, -'.000Z'.length);
  return `${seconds}${digits === '' ? '' : `.${digits}`}Z`;
}
