import { describe, expect, test } from 'vitest';
import type { ReportInput } from '../../reports/build.ts';
import type { LimitMeasurement, Replication } from '../../reports/measurement.ts';
import { replicationOf, reportOf, scenarioOf } from './fixture.ts';

const deploys: LimitMeasurement = {
  name: 'cloudRunDeploys',
  kind: 'limiter',
  calls: 400,
  waitMs: 2_000_000,
  refusals: 0,
  admissionBlockedMs: 0,
};
const DOUBLED = '--set provisioning.limits.cloudRunDeploysPerMinute=120';

/** Every company takes 20 s, and this limit alone was waited for. */
function waitingFor(limit: Partial<LimitMeasurement>): Replication {
  const { rollout, ...rest } = replicationOf({ ms: () => 20_000 });
  return { ...rest, rollout: { ...rollout, limits: [{ ...deploys, ...limit }] } };
}

describe('the command of a report', () => {
  test.each<[string, string[], string]>([
    ['pilot-100', [], 'sandtable run pilot-100'],
    ['pilot-100', ['--set run.seed=7', '--seed 9'], 'sandtable run pilot-100 --set run.seed=7 --seed 9'],
    ['./my scenario.json', [], "sandtable run './my scenario.json'"],
    ["o'clock.json", [], "sandtable run 'o'\\''clock.json'"],
    ['a;rm.json', ['--fresh'], "sandtable run 'a;rm.json' --fresh"],
    ['$(x)/a.json', ['--set name=`y`'], "sandtable run '$(x)/a.json' --set 'name=`y`'"],
    ['a', ['--set description=two words'], "sandtable run a --set 'description=two words'"],
    ['a', ['--set kpis=[]'], "sandtable run a --set 'kpis=[]'"],
  ])('for %s with %j is safe in a shell', (scenario, flags, expected) => {
    expect(reportOf({ asked: { scenario, flags } })).toMatchObject({ command: expected, changes: flags });
  });

  test('is a pilot in real time', () => {
    expect(reportOf({ clock: 'real', label: 'emulated' }).command).toBe('sandtable pilot rollout-400');
  });
});

describe('the what-if', () => {
  const whatIf = (changes: Partial<ReportInput>) => reportOf(changes).whatIf;

  test('repeats what was asked', () => {
    const asked = { scenario: 'my file.json', flags: ['--set run.seed=7', '--seed 9'] };
    expect(whatIf({ asked })).toBe(`sandtable run 'my file.json' --set run.seed=7 --seed 9 ${DOUBLED}`);
  });

  test('replaces an earlier change of the same rate, and no other', () => {
    const flags = [
      '--set provisioning.limits.cloudRunDeploysPerMinute=60',
      '--set provisioning.limits.dnsRecordWritesPerMinute=50',
    ];
    expect(whatIf({ asked: { scenario: 'a', flags } })).toBe(`sandtable run a ${flags[1]} ${DOUBLED}`);
  });

  test.each<[string, Partial<ReportInput>, boolean]>([
    ['a wait of 5 % of the mean', { replications: [waitingFor({ waitMs: 400 * 1000 })] }, true],
    ['a wait of less', { replications: [waitingFor({ waitMs: 400 * 1000 - 1 })] }, false],
    ['no wait', { replications: [waitingFor({ waitMs: 0 })] }, false],
    ['a quota of the cloud', { replications: [waitingFor({ kind: 'quota' })] }, false],
    ['too many companies at once', { replications: [waitingFor({ name: 'concurrency', calls: 0 })] }, false],
    ['real time', { clock: 'real', label: 'emulated' }, false],
    [
      'a company that is not ready',
      { replications: [replicationOf({ outcome: i => (i ? 'ready' : 'undone') })] },
      false,
    ],
    [
      'a limiter without a rate',
      {
        scenario: scenarioOf({
          provisioning: {
            ...scenarioOf().provisioning,
            limits: {
              dnsRecordWritesPerMinute: 100,
              cloudRunDeploysPerMinute: null,
              databaseOperationsPerMinute: 200,
            },
          },
        }),
      },
      false,
    ],
  ])('after %s is there: %s', (_, changes, isThere) => {
    expect(whatIf(changes) !== null).toBe(isThere);
  });
});
