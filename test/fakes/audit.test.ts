// The oracle is tested with planted wrongs: a clean ledger passes, and each wrong is named.

import { describe, expect, it } from 'vitest';
import { type AuditedCompany, auditLedger } from '../../fakes/audit.ts';
import { Ledger, type LedgerEntry, liveResources } from '../../fakes/ledger.ts';

const READY: AuditedCompany = { id: 'c00001', configuration: 'basic', outcome: 'ready' };
const ADVANCED: AuditedCompany = { id: 'c00002', configuration: 'advanced', outcome: 'ready' };
const UNDONE: AuditedCompany = { id: 'c00003', configuration: 'basic', outcome: 'undone' };
const NO_ROOM: AuditedCompany = { id: 'c00004', configuration: 'basic', outcome: 'noRoom' };
const COMPANIES = [READY, ADVANCED, UNDONE, NO_ROOM];
const DATABASE_OPERATIONS = 4;
const ONE_OF_EACH = [
  'cryptoKey',
  'databaseRole',
  'databaseUser',
  'databaseIndex',
  'document',
  'namespace',
  'service',
  'dnsRecord',
  'certificate',
];

type Effect = readonly [
  effect: LedgerEntry['effect'],
  kind: string,
  name: string,
  company: string,
  detail?: string,
];

const madeBy = (company: string, secrets: readonly string[]): Effect[] => [
  ...secrets.flatMap((secret): Effect[] => [
    ['created', 'secret', `secrets/${company}-${secret}`, company],
    ['created', 'secretVersion', `secrets/${company}-${secret}/versions/1`, company],
  ]),
  ...ONE_OF_EACH.map((kind): Effect => ['created', kind, `${kind}s/${company}`, company]),
];

const CLEAN: readonly Effect[] = [
  ...madeBy('c00001', ['a', 'b']),
  ...madeBy('c00002', ['a', 'b', 'c', 'd']),
  ['created', 'secret', 'secrets/c00003-a', 'c00003'],
  ['created', 'cryptoKey', 'cryptoKeys/c00003', 'c00003'],
  ['changed', 'cryptoKey', 'cryptoKeys/c00003', 'c00003'],
  ['deleted', 'cryptoKey', 'cryptoKeys/c00003', 'c00003'],
  ['deleted', 'secret', 'secrets/c00003-a', 'c00003'],
];

function ledgerOf(effects: readonly Effect[]): readonly LedgerEntry[] {
  const ledger = new Ledger();
  for (const [effect, kind, name, company, detail = ''] of effects)
    ledger.write({ atMs: 0, service: 'test', kind, name, company, effect, detail });
  return ledger.entries;
}

const audit = (effects: readonly Effect[], companies: readonly AuditedCompany[] = COMPANIES) =>
  auditLedger(ledgerOf(effects), companies, {
    databaseOperationsPerCompany: DATABASE_OPERATIONS,
    dns: 'record',
  });

describe('the audit', () => {
  it('finds nothing wrong with a clean ledger', () => {
    expect(audit(CLEAN)).toEqual([]);
  });

  it('counts a version of a secret only while it is enabled', () => {
    const version = (effect: Effect[0], n: number, detail: string): Effect => [
      effect,
      'secretVersion',
      `secrets/c00001-a/versions/${n}`,
      'c00001',
      detail,
    ];
    const disabled = version('changed', 1, 'DISABLED');
    expect(audit([...CLEAN, disabled, version('created', 2, 'ENABLED')])).toEqual([]);
    expect(audit([...CLEAN, disabled])).toEqual([
      'c00001 is ready, but has 1 of kind secretVersion instead of 2',
    ]);
  });

  it('lets a resource be made again after it was deleted', () => {
    const again: Effect[] = ['deleted', 'created'].map(effect => [
      effect as Effect[0],
      'service',
      'services/c00001',
      'c00001',
    ]);
    expect(audit([...CLEAN, ...again])).toEqual([]);
  });

  it.each<[string, readonly Effect[], string]>([
    [
      'a resource that was made twice',
      [['created', 'service', 'services/c00001', 'c00001']],
      'service services/c00001 was created twice',
    ],
    [
      'a resource of a company that nobody knows',
      [['created', 'dnsRecord', 'dnsRecords/c00009', 'c00009']],
      'dnsRecord dnsRecords/c00009 has no owner',
    ],
    [
      'a resource without a mark',
      [['created', 'namespace', 'namespaces/x', '']],
      'namespace namespaces/x has no owner',
    ],
    [
      'a second enabled version',
      [['created', 'secretVersion', 'secrets/c00001-a/versions/2', 'c00001']],
      'secret secrets/c00001-a has 2 enabled versions',
    ],
    [
      'one more than the company should have, under another name',
      [['created', 'dnsRecord', 'dnsRecords/c00001-bis', 'c00001']],
      'c00001 has 2 live resources of kind dnsRecord instead of 1',
    ],
    [
      'something left of a company that was undone',
      [['created', 'databaseRole', 'databaseRoles/c00003', 'c00003']],
      'c00003 was undone, but databaseRole databaseRoles/c00003 is left',
    ],
    [
      'something that was made, and is gone again, of a company for which there was no room',
      [
        ['created', 'databaseRole', 'databaseRoles/c00004', 'c00004'],
        ['deleted', 'databaseRole', 'databaseRoles/c00004', 'c00004'],
      ],
      'there was no room for c00004, but databaseRole databaseRoles/c00004 was created',
    ],
  ])('finds %s', (_, planted, violation) => {
    expect(audit([...CLEAN, ...planted])).toContain(violation);
  });

  it.each(['secret', 'secretVersion', ...ONE_OF_EACH])('finds a ready company without its %s', kind => {
    const missing = CLEAN.find(([, each, , company]) => each === kind && company === 'c00001')!;
    const expected = kind.startsWith('secret') ? 2 : 1;
    expect(audit(CLEAN.filter(effect => effect !== missing))).toEqual([
      `c00001 is ready, but has ${expected - 1} of kind ${kind} instead of ${expected}`,
    ]);
  });

  it('finds a service that was deleted under a ready company', () => {
    expect(audit([...CLEAN, ['deleted', 'service', 'services/c00002', 'c00002']])).toEqual([
      'c00002 is ready, but has 0 of kind service instead of 1',
    ]);
  });

  it('asks for four secrets of an advanced company', () => {
    const basic = [READY, { ...ADVANCED, configuration: 'basic' as const }, UNDONE];
    expect(audit(CLEAN, basic)).toContain('c00002 has 4 live resources of kind secret instead of 2');
  });

  it.each(['blocked', 'unfinished'] as const)('asks for nothing of a company that is %s', outcome => {
    const companies = [READY, ADVANCED, { ...UNDONE, outcome }];
    expect(audit([...CLEAN, ['created', 'document', 'documents/c00003', 'c00003']], companies)).toEqual([]);
  });

  it('wants nothing left of a company that was decommissioned, its key included', () => {
    const left: AuditedCompany = { ...READY, outcome: 'decommissioned' };
    const [first, second] = audit(CLEAN, [left, ADVANCED, UNDONE]);
    expect([first, second]).toEqual([
      'c00001 was decommissioned, but secret secrets/c00001-a is left',
      'c00001 was decommissioned, but secretVersion secrets/c00001-a/versions/1 is left',
    ]);
    const gone = CLEAN.filter(([, , , company]) => company === 'c00001').map(
      ([, kind, name, company]): Effect => ['deleted', kind, name, company],
    );
    const butTheKey = gone.filter(([, kind]) => kind !== 'cryptoKey' && kind !== 'databaseIndex');
    expect(audit([...CLEAN, ...butTheKey], [left, ADVANCED, UNDONE])).toEqual([
      'c00001 was decommissioned, but cryptoKey cryptoKeys/c00001 is left',
    ]);
    expect(audit([...CLEAN, ...gone], [left, ADVANCED, UNDONE])).toEqual([]);
  });

  it('wants a suspended company whole, and nothing of it usable', () => {
    const suspended: AuditedCompany = { ...READY, outcome: 'suspended' };
    const companies = [suspended, ADVANCED, UNDONE];
    const closed: Effect[] = [
      ['changed', 'secretVersion', 'secrets/c00001-a/versions/1', 'c00001', 'DISABLED'],
      ['changed', 'secretVersion', 'secrets/c00001-b/versions/1', 'c00001', 'DISABLED'],
      ['changed', 'cryptoKey', 'cryptoKeys/c00001', 'c00001', 'primary 1 DISABLED'],
      ['changed', 'databaseUser', 'databaseUsers/c00001', 'c00001', 'read@suspended'],
    ];
    expect(audit([...CLEAN, ...closed], companies)).toEqual([]);
    expect(audit([...CLEAN, ...closed.slice(1)], companies)).toEqual([
      'c00001 has 1 live resources of kind secretVersion instead of 0',
    ]);
    const open: Effect = [
      'changed',
      'databaseUser',
      'databaseUsers/c00001',
      'c00001',
      'company-c00001@admin',
    ];
    expect(audit([...CLEAN, ...closed.toSpliced(2, 1), open], companies)).toEqual([
      'c00001 is suspended, but cryptoKey cryptoKeys/c00001 can be used',
      'c00001 is suspended, but databaseUser databaseUsers/c00001 can be used',
    ]);
    const gone: Effect = ['deleted', 'dnsRecord', 'dnsRecords/c00001', 'c00001'];
    expect(audit([...CLEAN, ...closed, gone], companies)).toEqual([
      'c00001 is suspended, but has 0 of kind dnsRecord instead of 1',
    ]);
  });

  it('forgives only the index of a company that was undone, which Atlas cannot drop', () => {
    expect(audit([...CLEAN, ['created', 'databaseIndex', 'databaseIndexs/c00003', 'c00003']])).toEqual([]);
  });
});

describe('the ledger', () => {
  it('numbers its entries and keeps the last state of what is live', () => {
    const entries = ledgerOf(CLEAN.slice(-5));
    expect(entries.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4]);
    expect(liveResources(entries)).toEqual([]);
    expect(liveResources(entries.slice(0, 3)).map(({ n }) => n)).toEqual([0, 2]);
  });
});
