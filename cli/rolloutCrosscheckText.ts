// A crosscheck of a rollout on the terminal, and where a figure is out of tolerance, the steps to look for the cause by.

import type { CrosscheckReport } from '../reports/crosscheckReport.ts';
import { companyCount, duration } from '../reports/format.ts';
import type { RolloutMeasurement } from '../reports/measurement.ts';
import { compareSteps, type StepTimes } from '../rig/rolloutCrosscheck.ts';
import { figureTable, table } from './crosscheckTable.ts';

type Side = { readonly simulated: RolloutMeasurement; readonly emulated: RolloutMeasurement };

/** `lateMs`: of the provisioner's process. */
export function rolloutCrosscheckText(report: CrosscheckReport, side: Side, lateMs: number): string {
  const { scenario, verdict } = report;
  return [
    `${scenario}, the same rollout of ${companyCount(side.simulated.company.length)}: ${verdict}`,
    '',
    ...figureTable(report),
    ...(verdict === 'PASS' ? [] : stepsText(side)),
    '',
    `The provisioner was ${lateMs.toFixed(1)} ms late (P99).`,
    'Always with the drawn latencies: without them a rollout has nothing but loopback to take time.',
  ].join('\n');
}

function stepsText({ simulated, emulated }: Side): string[] {
  const cells = ({ meanMs, limiterMs, pollMs }: StepTimes) => [
    duration(meanMs),
    duration(limiterMs),
    duration(pollMs),
  ];
  return [
    '',
    ...table([
      [
        'step, on average',
        'simulated',
        'at limiters',
        'until ready',
        'emulated',
        'at limiters',
        'until ready',
      ],
      ...compareSteps(simulated, emulated).map(step => [
        step.kind,
        ...cells(step.simulated),
        ...cells(step.emulated),
      ]),
    ]),
  ];
}
