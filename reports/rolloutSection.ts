// The HTML report's sections on a rollout: times, charts, limits and calls.

import { titleOfNeed } from './capacity.ts';
import {
  completionsChart,
  provisioningQuantileChart,
  queuedQuantileChart,
  stepsChart,
  waitsChart,
} from './charts.ts';
import { simulatedRolloutText } from './crosscheckSentences.ts';
import { count, duration, grouped, rate, share } from './format.ts';
import { titleOfLimit } from './limits.ts';
import { definitions, figure, type Html, html, NOTHING, table } from './page.ts';
import type { Label, RolloutReport, Summary, WithRollout } from './report.ts';
import { completedText, rolloutTime, slowestBound } from './sentences.ts';

export function rolloutSection(report: WithRollout): Html {
  const { notReady, simulated } = report.rollout;
  const cells = (name: string, { companies, mean, p50, p95, p99, max }: Summary, label: Label) => [
    name,
    ...(companies === 0 ? Array(5).fill('–') : [mean, p50, p95, p99, max].map(duration)),
    label,
  ];
  /** The simulated row of a time stands right above the emulated one. */
  const rowsOf = (name: string, time: 'provisioningMs' | 'queuedMs') => [
    ...(simulated === null ? [] : [cells(name, simulated[time], 'simulated')]),
    cells(name, report.rollout[time], report.label),
  ];
  const times = [
    ...rowsOf('admission to healthy', 'provisioningMs'),
    ...rowsOf('queued before admission', 'queuedMs'),
  ];
  const regions = Object.entries(report.regions).map(
    ([region, companies]) => `${region} ${grouped(companies)}`,
  );
  return html`<h2>Rollout</h2>
${definitions([
  ['Duration', `${rolloutTime(report)} (${report.label})`],
  ...(simulated === null ? [] : [['Simulated', simulatedRolloutText(report)!] as const]),
  ['Completed', `${completedText(report)}, in the replication with the fewest`],
  ['Regions', regions.join(', ')],
])}
${table('Times of the companies that were completed, over all replications', ['time', 'mean', 'P50', 'P95', 'P99', 'max', 'label'], times, [1, 2, 3, 4, 5])}
${needsTable(report)}
${report.rollout.full.length === 0 ? NOTHING : fullTable(report)}
${report.rollout.waves.length === 0 ? NOTHING : wavesTable(report)}
${notReady.length === 0 ? NOTHING : notReadyTable(notReady)}`;
}

function needsTable({ rollout }: WithRollout): Html {
  const rows = rollout.needs.map(({ quota, limit, scope, needed, companiesMax }) => [
    titleOfNeed(quota),
    html`<code>${quota}</code>`,
    count(limit),
    count(needed),
    scope,
    companiesMax === null ? 'all' : grouped(companiesMax),
    'modelled',
  ]);
  const caption = `What the plan needs of what the vendors limit by number; ${rollout.enforcesNeeds ? 'enforced in this run' : 'not enforced in this run'}`;
  const head = ['limit', 'fact', 'allowed', 'needed', 'where most is needed', 'room for companies', 'label'];
  return table(caption, head, rows, [2, 3, 5]);
}

function fullTable({ rollout, label }: WithRollout): Html {
  const rows = rollout.full.map(({ step, scope, quota, undone, notBegun }) => [
    step,
    scope,
    html`<code>${quota}</code>`,
    grouped(undone + notBegun),
    grouped(notBegun),
    grouped(undone),
    label,
  ]);
  const caption =
    'Companies for which there was no room, in the replication with the fewest completed. Not begun: without a call.';
  const head = [
    'step',
    'where',
    'quota, by its vendor',
    'companies',
    'not begun',
    'begun and undone',
    'label',
  ];
  return table(caption, head, rows, [3, 4, 5]);
}

function wavesTable({ rollout, label }: WithRollout): Html {
  const rows = rollout.waves.map(({ upTo, companies, openedAtMs, endedAtMs, outcome, reason, reading }) => [
    grouped(upTo),
    grouped(companies),
    duration(openedAtMs),
    endedAtMs < 0 ? '–' : duration(endedAtMs),
    ...(reading === null
      ? Array(3).fill('–')
      : [
          share(reading.readyShare),
          reading.provisioningMsP99 === null ? 'never' : duration(reading.provisioningMsP99),
          share(reading.healthyShare),
        ]),
    reason === '' ? WAVE_OUTCOMES[outcome] : `${WAVE_OUTCOMES[outcome]}: ${reason}`,
    label,
  ]);
  const head = [
    ...['up to', 'companies', 'began after', 'ended after', 'ready', 'provisioning P99', 'healthy', 'gate'],
    'label',
  ];
  return table(
    'Waves, in the replication with the fewest completed, and what their gates read',
    head,
    rows,
    [0, 1, 2, 3, 4, 5, 6],
  );
}

const WAVE_OUTCOMES = {
  open: 'none',
  passed: 'passed',
  paused: 'paused',
  resumed: 'resumed',
  rolledBack: 'rolled back',
} as const;

function notReadyTable(notReady: RolloutReport['notReady']): Html {
  const rows = notReady.map(({ company, reason }) => [company, reason]);
  const caption = 'Companies that are not ready, at most 100, in the replication with the fewest completed';
  return html`<details><summary>${caption}</summary>${table(caption, ['company', 'reason'], rows)}</details>`;
}

export function chartsSection(report: WithRollout): Html {
  const { rollout, label } = report;
  const bound = slowestBound(report.limits);
  const allowed = bound ? ` The dashed line is the pace that ${titleOfLimit(bound.name)} allow.` : '';
  const drawn = [
    rollout.provisioningMs.companies > 0 && [
      figure(`Provisioning time by share of companies (${label}).`, provisioningQuantileChart(report)),
      figure(
        `Completions over time, in the replication with the fewest (${label}).${allowed}`,
        completionsChart(report),
      ),
    ],
    rollout.queuedMs.companies > 0 &&
      figure(`Time queued before admission by share of companies (${label}).`, queuedQuantileChart(report)),
    report.limits.length > 0 &&
      figure(`Summed wait by limit, mean a replication (${label}).`, waitsChart(report)),
    rollout.steps.length > 0 && figure(`Mean time of each provisioning step (${label}).`, stepsChart(report)),
  ];
  return html`<h2>Charts</h2>\n<div class="figures">${drawn.flat().filter(each => each !== false)}</div>`;
}

export function limitsSection({ limits, rollout, label }: WithRollout): Html {
  const rows = limits.map(limit => [
    limit.name === rollout.bindingLimit
      ? html`${titleOfLimit(limit.name)} <strong>(binding)</strong>`
      : titleOfLimit(limit.name),
    limit.kind,
    limit.perMinute === null ? '–' : rate(limit.perMinute),
    count(limit.calls),
    duration(limit.waitMs),
    limit.calls === 0 ? '–' : duration(limit.waitMsPerCall),
    count(limit.refusals),
    duration(limit.admissionBlockedMs),
    limit.boundMs === null ? '–' : duration(limit.boundMs),
    label,
  ]);
  const head = [
    'limit',
    'kind',
    'rate',
    'calls',
    'summed wait',
    'wait a call',
    'refusals',
    'admission held',
    'at best',
    'label',
  ];
  return html`<h2>Limits</h2>
${table('Limits, means a replication. At best: the time that the rate alone needs for the calls of the whole plan.', head, rows, [2, 3, 4, 5, 6, 7, 8])}`;
}

export function callsSection({ rollout, label }: WithRollout): Html {
  const operationRows = rollout.operations.map(each => [
    each.operation,
    count(each.calls),
    count(each.refusedByQuota),
    each.calls === 0 ? '–' : duration(each.latencyMs / each.calls),
    html`<code>${each.fact}</code>`,
    label,
  ]);
  return html`<h2>Calls to the clouds</h2>
${table('Calls to the clouds, a replication', ['operation', 'calls', 'refused by quota', 'mean latency', 'fact', 'label'], operationRows, [1, 2, 3])}`;
}
