// k6's script: sends the requests of a load plan over HTTP, each when it is due, and measures from that moment to the last
// byte. Iteration i starts ahead, waits for the i-th request of the schedule and sends it, so neither a slow answer nor
// a late iteration moves another request. `rig/k6.ts` runs it; the plan's path is in the environment as PLAN.

import { sleep } from 'k6';
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';
import type { Options } from 'k6/options';
import { type LoadCompany, type LoadPlan, REST_MS, REST_PER_SLOT, scheduleOf } from '../loadPlan.ts';
import { userCallOf } from '../requests.ts';
import { REQUEST_KINDS, USER_REGIONS } from '../scenario.ts';
import { SLOT_MS, TRAFFIC_KEY } from '../traffic.ts';
import { isBodyKept, outcomeOf } from './outcome.ts';

type Settings = Omit<LoadPlan, 'arrivals' | 'companies'> & { readonly regions: readonly string[] };
/** dueUs, region, n, company, agent, kind, user */
type Row = readonly [number, number, number, number, number, number, number];

const SLOT_US = SLOT_MS * 1000;
/**
 * k6 starts no iteration once its stages are over, not even one that is overdue: a machine that was held up may start the
 * last ones so much later. When all have started it does not wait for the end of a stage.
 */
const HELD_UP_MS = 10_000;
/** For the last answers, beyond the time-out of their requests. */
const GRACE_MS = 5000;

const planOf = (): LoadPlan => JSON.parse(open(__ENV.PLAN)) as LoadPlan;
// Each is made once and read by all virtual users: a copy for each of them would take gigabytes.
const [settings] = new SharedArray('settings', (): Settings[] => {
  const { arrivals, companies: _, ...rest } = planOf();
  return [{ ...rest, regions: arrivals.regions.map(({ name }) => name) }];
});
const companies = new SharedArray('companies', (): LoadCompany[] => [...planOf().companies]);
const rows = new SharedArray('requests', (): Row[] => {
  const { requests, dueUs, region, n, company, agent, kind, user } = scheduleOf(planOf().arrivals);
  const all: Row[] = [];
  for (let i = 0; i < requests; i++)
    all.push([dueUs[i], region[i], n[i], company[i], agent[i], kind[i], user[i]]);
  return all;
});

/** A refusal by the quota is no answer: it has a metric of its own, so that it is not in the percentiles. */
const responseMs = new Trend('response_ms');
const refusedMs = new Trend('refused_ms');
const latenessMs = new Trend('lateness_ms');
const requestCount = new Counter('requests');
const requestErrors = new Rate('request_errors');

export const options: Options = {
  scenarios: {
    load: {
      executor: 'ramping-arrival-rate',
      timeUnit: `${SLOT_MS}ms`,
      startRate: settings.pace[0],
      stages: [
        ...settings.pace.flatMap(perSlot => stage(perSlot, SLOT_MS)),
        ...stage(REST_PER_SLOT, REST_MS),
        ...stage(0, HELD_UP_MS),
      ],
      preAllocatedVUs: settings.vus,
      maxVUs: settings.vus,
      gracefulStop: `${settings.leadMs + settings.timeoutMs + GRACE_MS}ms`,
    },
  },
  thresholds: Object.fromEntries(
    Object.entries(settings.thresholds).map(([metric, expressions]) => [metric, [...expressions]]),
  ),
  discardResponseBodies: true,
  // Only the plan's own addresses are ever asked.
  maxRedirects: 0,
  noConnectionReuse: false,
  // Fewer tags, shorter lines: our own metrics carry the ones that matter.
  systemTags: [],
};

export default function sendWhenDue(): void {
  const index = exec.scenario.iterationInTest;
  // The pace starts a few iterations too many rather than one too few.
  if (index >= settings.requests) return;
  const [dueUs, region, n, company, agent, kindIndex, user] = rows[index];
  const { id, host, level, token } = companies[company];
  const kind = REQUEST_KINDS[kindIndex];
  const call = userCallOf(kind, id, agent);
  const url = settings.urls[region] + call.path;
  const params = {
    headers: {
      ...call.headers,
      host,
      'x-sandtable-key': [company, TRAFFIC_KEY, region, Math.floor(dueUs / SLOT_US), n].join(','),
      'x-sandtable-user': USER_REGIONS[user],
      ...(kind === 'health' ? {} : { authorization: `Bearer ${token}` }),
    },
    responseType: isBodyKept(kind) ? ('text' as const) : ('none' as const),
    timeout: settings.timeoutMs,
  };
  const dueMs = settings.leadMs + dueUs / 1000;
  sleep(Math.max(0, dueMs - nowMs()) / 1000);

  const sentMs = nowMs();
  const { status, error_code: errorCode, body } = http.request(call.method, url, call.body ?? null, params);
  const endedMs = nowMs();

  const outcome = outcomeOf(kind, id, {
    status,
    errorCode,
    body: typeof body === 'string' ? body : undefined,
  });
  // Beside the tags: an index in them would make each request a time series of its own.
  exec.vu.metrics.metadata.index = String(index);
  exec.vu.metrics.metadata.status = String(status);
  const phase = dueUs < settings.leadInMs * 1000 ? 'lead-in' : 'measured';
  const statusClass = status === 0 ? 'none' : `${Math.floor(status / 100)}xx`;
  const tags = { region: settings.regions[region], level, kind, outcome, phase, status: statusClass };
  const answerMs = outcome === 'refused' ? refusedMs : responseMs;
  answerMs.add(endedMs - dueMs, tags);
  latenessMs.add(sentMs - dueMs, { phase });
  requestCount.add(1, { outcome, phase });
  requestErrors.add(outcome !== 'ok' && outcome !== 'refused', { phase });
}

/** Since the test began: one clock for all virtual users, finer than a millisecond and never set back. */
const nowMs = (): number => exec.instance.currentTestRunDuration;

/** A steady rate; a stage of no duration sets it at once, where k6 would else ramp up to it. */
function stage(perSlot: number, durationMs: number) {
  return [
    { target: perSlot, duration: '0s' },
    { target: perSlot, duration: `${durationMs}ms` },
  ];
}
