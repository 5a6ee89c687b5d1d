// The HTML report's sections on traffic: response times, waits, request counts and the gateways' fleets.

import { responseQuantileChart } from './charts.ts';
import { count, duration, grouped, requestCount, share } from './format.ts';
import { type Content, definitions, figure, type Html, html, NOTHING, table } from './page.ts';
import type { Label, ResponseReport, TrafficReport, WithTraffic } from './report.ts';
import { slowestWaitsText, trafficText } from './trafficSentences.ts';

/** Where response times come from, in every table that has some. */
const ACCURACY = 'percentiles within 0.5 %, from the moment a request was due at its user to the last byte';

export function trafficSection(report: WithTraffic): Html {
  const { traffic, label } = report;
  const { withinQuota, servedWithinQuota, waitsPerRequest, latenessMs } = traffic;
  const lateness =
    latenessMs === null
      ? 'none in virtual time'
      : `P50 ${duration(latenessMs.p50)}, P99 ${duration(latenessMs.p99)}`;
  return html`<h2>Traffic</h2>
${definitions([
  ['Requests', `${trafficText(report)} (${label})`],
  [
    'Within quota',
    `${requestCount(withinQuota)}, of which ${grouped(servedWithinQuota)} were served; all replications, with their lead-ins`,
  ],
  ['Slowest waits', slowestWaitsText(report) ?? ''],
  ['Awaited calls', `${count(Number(waitsPerRequest.toPrecision(3)))} a handled request`],
  ['Generator late by', lateness],
])}
${kindsTable(traffic, label)}
${cellsTable(traffic, label)}
${chart(report)}
${waitsTable(traffic, label)}
${countsTable(traffic, label)}`;
}

const RESPONSE_HEAD = ['P50', 'P95', 'P99', 'requests', 'errors', '429s', 'label'];

const responseCells = (each: ResponseReport, label: Label): Content[] => [
  ...(each.requests === 0 ? Array(3).fill('–') : [each.p50Ms, each.p95Ms, each.p99Ms].map(duration)),
  grouped(each.requests),
  counted(each.errors, each.requests),
  counted(each.refused, each.requests),
  label,
];

/** `12 (0.02 %)`. */
const counted = (n: number, of: number): string => (n === 0 ? '0' : `${grouped(n)} (${share(n / of)})`);

/** Kind by kind; the simulated row of a kind stands right above the emulated one. */
function kindsTable({ kinds, simulatedKinds }: TrafficReport, label: Label): Html {
  const rows = kinds.flatMap(each => {
    const simulated = simulatedKinds?.find(({ kind }) => kind === each.kind);
    return [
      ...(simulated === undefined ? [] : [[each.kind, ...responseCells(simulated, 'simulated')]]),
      [each.kind, ...responseCells(each, label)],
    ];
  });
  const caption =
    simulatedKinds === null
      ? `Response times by kind: ${ACCURACY}`
      : `Response times by kind, simulated and ${label}: ${ACCURACY}`;
  return table(caption, ['kind', ...RESPONSE_HEAD], rows, [1, 2, 3, 4, 5, 6]);
}

function cellsTable({ cells }: TrafficReport, label: Label): Html {
  const rows = cells.map(each => [each.region, each.level, each.kind, ...responseCells(each, label)]);
  const caption = 'Response times by home region, level and kind';
  const head = ['region', 'level', 'kind', ...RESPONSE_HEAD];
  return html`<details><summary>${caption}</summary>${table(caption, head, rows, [3, 4, 5, 6, 7, 8])}</details>`;
}

function chart(report: WithTraffic): Html {
  if (report.traffic.regions.every(({ quantilesMs }) => quantilesMs.length === 0)) return NOTHING;
  const caption = `Response time by share of requests, up to 99 %, for each home region (${report.label}).`;
  return html`<div class="figures">${figure(caption, responseQuantileChart(report))}</div>`;
}

function waitsTable({ waits }: TrafficReport, label: Label): Html {
  const rows = waits.map(({ name, calls, waitMs, waitMsPerRequest, refusals }) => [
    name,
    count(calls),
    duration(waitMs),
    calls === 0 ? '–' : duration(waitMs / calls),
    duration(waitMsPerRequest),
    count(refusals),
    label,
  ]);
  const head = ['place', 'calls', 'summed wait', 'wait a call', 'wait a request', 'refusals', 'label'];
  return table('Where requests waited, means a replication', head, rows, [1, 2, 3, 4, 5]);
}

const COUNT_TITLES: Readonly<Record<keyof TrafficReport['counts'], string>> = {
  due: 'due by the schedule',
  sent: 'sent by the users',
  edgeHits: 'answered at the edge',
  handled: 'handled by the gateways',
  answered: 'answered by the gateways',
  forwarded: 'forwarded to the companies’ services',
  ledger: 'in the services’ ledger',
  audited: 'in the audit trails',
};

function countsTable({ counts }: TrafficReport, label: Label): Html {
  const names = Object.keys(COUNT_TITLES) as (keyof typeof COUNT_TITLES)[];
  const rows = names.map(name => [COUNT_TITLES[name], grouped(counts[name]), label]);
  const caption =
    'Requests, counted independently at each place, over all replications with their lead-ins: due = sent = edge + handled, handled = answered, forwarded = ledger';
  return table(caption, ['place', 'requests', 'label'], rows, [1]);
}

export function fleetSection({ fleet, label }: WithTraffic): Html {
  const rows = (fleet ?? []).map(each => [
    each.region,
    count(Number(each.instancesMean.toPrecision(3))),
    grouped(each.instancesMax),
    count(each.coldStarts),
    share(each.cpuUtilisation),
    grouped(each.concurrencyMax),
    label,
  ]);
  const head = ['region', 'instances', 'at most', 'cold starts', 'CPU busy', 'requests at once', 'label'];
  return html`<h2>Fleet</h2>
${table('Gateway instances, means a replication; the most of any replication. At once: under way in one instance, at most.', head, rows, [1, 2, 3, 4, 5])}`;
}
