// What a change writes down about a company: read first, and never over what another wrote in between.

import { describe, expect, it } from 'vitest';
import type { Call, CompanyRecord, Outcome, Registry } from '../../src/ports.ts';
import { createSend } from '../../src/providers/call.ts';
import { fieldsOf } from '../../src/providers/firestore.ts';
import { documentSettingsVerbs, recordSettingsVerbs } from '../../src/providers/settings.ts';
import { DOMAIN } from '../fakes/fakeCall.ts';
import { company, platform } from './company.ts';
import { fixedCredentials } from './fixedCredentials.ts';

const ATTEMPT = { key: [1, 1000, 0, 0, 0], deadlineAtMs: 15_000 };
const UPDATE_TIME = '2026-01-01T00:00:00.123Z';

/** The document as it is now, and how a commit is answered. */
function verbsWith(fields: object, commit: readonly [status: number, body: object]) {
  const calls: Call[] = [];
  const answered = (status: number, body: object): Outcome => ({
    ...{ kind: 'answered', status, headers: {}, body: new TextEncoder().encode(JSON.stringify(body)) },
  });
  const send = createSend(
    {
      send: async call => {
        calls.push(call);
        return call.method === 'GET'
          ? answered(200, { fields, updateTime: UPDATE_TIME })
          : answered(commit[0], commit[1]);
      },
    },
    fixedCredentials('token'),
  );
  return { verbs: documentSettingsVerbs(send, company, platform), calls };
}

const before = { ...fieldsOf(company, platform), level: { stringValue: 'ONYX' } };

describe('the settings of a document', () => {
  it('are written over the version that was read, and no other', async () => {
    const { verbs, calls } = verbsWith(before, [200, {}]);
    expect((await verbs.create!(ATTEMPT)).kind).toBe('done');
    const { writes } = JSON.parse(new TextDecoder().decode(calls[1].body));
    expect(writes).toEqual([
      {
        update: { name: expect.stringMatching(/companies\/c00001$/), fields: fieldsOf(company, platform) },
        currentDocument: { updateTime: UPDATE_TIME },
      },
    ]);
  });

  it('are found again where an industry asks for no standard: the vendor leaves an empty list out', () => {
    const { compliance, ...template } = platform.templates[company.industry];
    const without = { ...template, compliance: { ...compliance, standards: [] } };
    expect(fieldsOf(company, { ...platform, templates: { [company.industry]: without } }).standards).toEqual({
      arrayValue: {},
    });
    expect(fieldsOf(company, platform).standards).toEqual({
      arrayValue: { values: [{ stringValue: 'HIPAA' }] },
    });
  });

  it.each([
    [409, 'ABORTED', 'contended'],
    [400, 'FAILED_PRECONDITION', 'The stored version of it does not match the required base version.'],
  ])('are read again when another was first: %d %s', async (code, status, message) => {
    const { verbs } = verbsWith(before, [code, { error: { code, status, message } }]);
    expect((await verbs.create!(ATTEMPT)).kind).toBe('transient');
  });

  it("are not written into another's document", async () => {
    const { verbs, calls } = verbsWith({ ...before, companyId: { stringValue: 'c00002' } }, [200, {}]);
    expect((await verbs.create!(ATTEMPT)).kind).toBe('rejected');
    expect((await verbs.find(ATTEMPT, undefined)).kind).toBe('rejected');
    expect(calls.every(({ method }) => method === 'GET')).toBe(true);
  });

  it('are found by what they say, whatever the order of the fields', async () => {
    const reversed = Object.fromEntries(Object.entries(fieldsOf(company, platform)).reverse());
    expect((await verbsWith(reversed, [200, {}]).verbs.find(ATTEMPT, undefined)).kind).toBe('done');
    expect((await verbsWith(before, [200, {}]).verbs.find(ATTEMPT, undefined)).kind).toBe('absent');
  });
});

describe('the settings of a record', () => {
  const record: CompanyRecord = {
    id: 'c00001',
    region: 'us-west1',
    level: 'ONYX',
    industry: company.industry,
    hostname: `c00001.${DOMAIN}`,
    serviceUri: 'https://old.a.run.app',
    registeredAtMs: 5,
  };
  const registryWith = (held: CompanyRecord) => {
    const kept = { record: held };
    const registry = {
      get: async () => kept.record,
      put: async (next: CompanyRecord) => void (kept.record = next),
    } as unknown as Registry;
    return { registry, kept };
  };
  const verbsOf = (registry: Registry, part: string, uri: string) =>
    recordSettingsVerbs(registry, () => 99, company, platform, part, uri);

  it('keep when it was registered, and take level, address and suspension as they shall be', async () => {
    const { registry, kept } = registryWith(record);
    const { create, find } = verbsOf(registry, 'closed', 'https://new.a.run.app');
    expect((await find(ATTEMPT, undefined)).kind).toBe('absent');
    await create!(ATTEMPT);
    expect(kept.record).toStrictEqual({
      ...record,
      ...{ level: 'DIAMOND', serviceUri: 'https://new.a.run.app', isSuspended: true },
    });
    expect((await find(ATTEMPT, undefined)).kind).toBe('done');
    expect((await verbsOf(registry, 'open', '').find(ATTEMPT, undefined)).kind).toBe('absent');
  });
});
