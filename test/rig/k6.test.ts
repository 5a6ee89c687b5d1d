// The load generator as its users run it: the real k6, sending to real servers. What it says is held against what the
// servers were asked, and against the schedule that Node works out by itself.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Histogram, RELATIVE_ACCURACY } from '../../reports/histogram.ts';
import { type LoadRun, runK6 } from '../../rig/k6.ts';
import { type K6, resolveK6 } from '../../rig/k6Binary.ts';
import type { LoadPlan } from '../../scenarios/loadPlan.ts';
import { userCallOf } from '../../scenarios/requests.ts';
import { REQUEST_KINDS, USER_REGIONS } from '../../scenarios/scenario.ts';
import { arrivalsOfSlot } from '../../scenarios/traffic.ts';
import { newFolder, PATIENCE_MS, until } from '../cli/command.ts';
import {
  type Answer,
  type Asked,
  marked,
  type Platform,
  planFor,
  REGIONS,
  secondOf,
  startPlatform,
} from './k6Platform.ts';

/** No server ever listens there. */
const NOWHERE = Object.fromEntries(REGIONS.map(region => [region, 'http://127.0.0.1:1']));
/** Where there is no k6 yet, it is built. */
const FETCH_MS_MAX = 900_000;
/** What a busy machine adds to the quickest request at most: far less than half a second. */
const ADDED_MS_MAX = 500;

let k6: K6;
const platforms: Platform[] = [];

beforeAll(async () => {
  k6 = await resolveK6({ log: line => console.error(line.message) });
}, FETCH_MS_MAX);
afterEach(async () => {
  await Promise.all(platforms.splice(0).map(platform => platform.close()));
});

async function platformOf(answer: (asked: Asked) => Answer): Promise<Platform> {
  const platform = await startPlatform(answer);
  platforms.push(platform);
  return platform;
}

/** Sends to a platform that answers so. The plan may be changed before. */
async function load(
  answer: (asked: Asked) => Answer,
  change: Partial<LoadPlan> = {},
): Promise<LoadRun & { platform: Platform; plan: LoadPlan }> {
  const platform = await platformOf(answer);
  const plan = { ...planFor(platform.urls), ...change };
  return { ...(await runK6({ k6, plan })), platform, plan };
}

const sumOf = (run: LoadRun, what: 'requests' | 'errors' | 'refused'): number =>
  run.cells.reduce((sum, cell) => sum + cell[what], 0);
/** A busy machine may make the generator late; that is no matter of the test. */
const otherThanLate = ({ violations }: LoadRun) => violations.filter(text => !text.includes('late'));
/** Of the request to which a busy machine has added least: it says what the others were meant to take. */
const leastOf = (values: Float64Array): number => Math.min(...values.filter(ms => !Number.isNaN(ms)));

describe('k6', () => {
  it('sends just the requests that Node has in its schedule, to their regions', async () => {
    const { platform, plan, schedule } = await load(marked);
    const expected: Asked[] = [];
    for (const [region, { name }] of plan.arrivals.regions.entries()) {
      const { count, company, agent, kind, user, n } = arrivalsOfSlot(plan.arrivals, region, 0);
      for (let i = 0; i < count; i++) {
        const { id, host, token } = plan.companies[company[i]];
        const call = userCallOf(REQUEST_KINDS[kind[i]], id, agent[i]);
        const headers = {
          ...call.headers,
          host,
          'x-sandtable-key': `${company[i]},-2,${region},0,${n[i]}`,
          'x-sandtable-user': USER_REGIONS[user[i]],
          ...(REQUEST_KINDS[kind[i]] === 'health' ? {} : { authorization: `Bearer ${token}` }),
        };
        expected.push({ region: name, method: call.method, url: call.path, headers, body: call.body ?? '' });
      }
    }
    const byKey = (a: Asked, b: Asked) =>
      a.headers['x-sandtable-key'] < b.headers['x-sandtable-key'] ? -1 : 1;
    const ofClient = ['user-agent', 'content-length', 'connection', 'accept-encoding'];
    const asked = platform.asked.map(one => ({
      ...one,
      headers: Object.fromEntries(Object.entries(one.headers).filter(([name]) => !ofClient.includes(name))),
    }));
    expect(schedule.requests).toBeGreaterThan(40);
    expect(new Set(asked.map(({ region }) => region)).size).toBe(3);
    expect(asked.toSorted(byKey)).toEqual(expected.toSorted(byKey));
  });

  it('measures each request from its due time to the last byte', async () => {
    const DELAY_MS = 80;
    const run = await load(asked => ({ ...(marked(asked) as object), delayMs: DELAY_MS }));
    const { due, sent, dropped, schedule, records, cells } = run;
    expect({ sent, dropped, due }).toEqual({ sent: due, dropped: 0, due: schedule.requests });
    expect(run.outcomes).toEqual({ ok: due, refused: 0, error: 0, unreachable: 0, timeout: 0, foreign: 0 });
    expect({ requests: sumOf(run, 'requests'), errors: sumOf(run, 'errors') }).toEqual({
      requests: due,
      errors: 0,
    });
    // From the due time, however late it was sent. A timer of the server may fire up to a millisecond early.
    const answerMs = records.responseMs.map((ms, i) => ms - records.latenessMs[i]);
    expect(leastOf(answerMs)).toBeGreaterThan(DELAY_MS - 2);
    expect(leastOf(records.responseMs)).toBeLessThan(DELAY_MS + ADDED_MS_MAX);
    expect([...records.status]).toEqual(Array.from({ length: due }, () => 200));
    expect(leastOf(records.latenessMs)).toBeGreaterThan(-1);
    expect(leastOf(records.latenessMs)).toBeLessThan(ADDED_MS_MAX);
    const all = new Histogram();
    for (const cell of cells) all.merge(Histogram.of(cell.responseMs));
    expect(all.count).toBe(due);
    expect(all.quantile(1) / Math.max(...records.responseMs)).toBeCloseTo(
      1,
      -Math.log10(4 * RELATIVE_ACCURACY),
    );
    expect(otherThanLate(run)).toEqual([]);
    expect(run.measuredMs).toBe(1000);
  });

  it('sends what is due in the lead-in, and measures it not', async () => {
    const run = await load(marked, { leadInMs: 500 });
    const { dueUs } = run.schedule;
    const inLeadIn = run.records.status.filter((_, i) => dueUs[i] < 500_000);
    expect(inLeadIn.length).toBeGreaterThan(0);
    expect([...new Set(inLeadIn)]).toEqual([200]);
    expect([sumOf(run, 'requests'), run.measuredMs]).toEqual([run.due - inLeadIn.length, 500]);
  });

  it('shows a server that is 30 % slower than the others', async () => {
    // In one load, so that a busy machine adds as much to either.
    const run = await load(asked => ({
      ...(marked(asked) as object),
      delayMs: asked.region === 'us-central1' ? 1300 : 1000,
    }));
    const leastOfThe = (isSlow: boolean) =>
      leastOf(
        run.records.responseMs.filter((_, i) => {
          const { name } = run.plan.arrivals.regions[run.schedule.region[i]];
          return (name === 'us-central1') === isSlow;
        }),
      );
    expect(leastOfThe(true) / leastOfThe(false)).toBeGreaterThan(1.15);
  });

  it('counts 429 as refused: neither an error nor an answer', async () => {
    const isRefused = ({ region }: Asked) => region === 'us-west1';
    const run = await load(asked => (isRefused(asked) ? { status: 429 } : marked(asked)), {
      thresholds: { request_errors: ['rate==0'] },
    });
    const refused = run.platform.asked.filter(isRefused).length;
    expect(refused).toBeGreaterThan(0);
    expect([sumOf(run, 'refused'), sumOf(run, 'errors'), run.outcomes.refused]).toEqual([
      refused,
      0,
      refused,
    ]);
    for (const cell of run.cells)
      expect(cell.responseMs.length, cell.region).toBe(
        cell.region === 'us-west1' ? 0 : cell.responseMs.length || -1,
      );
    expect(run.records.status.filter(status => status === 429).length).toBe(refused);
    expect(run.thresholdsCrossed).toBe(false);
  });

  it('counts any other status as an error', async () => {
    const statuses = { 'us-west1': 503, 'us-central1': 404, 'europe-west1': 302 } as const;
    const run = await load(({ region }) => ({ status: statuses[region as keyof typeof statuses] }));
    expect([run.outcomes.error, sumOf(run, 'errors')]).toEqual([run.due, run.due]);
    expect([...new Set(run.records.status)].sort()).toEqual([302, 404, 503]);
  });

  it('counts a server that cannot be reached as errors without a status', async () => {
    const run = await runK6({ k6, plan: planFor(NOWHERE) });
    expect([run.outcomes.unreachable, sumOf(run, 'errors'), run.sent]).toEqual([run.due, run.due, run.due]);
    expect([...new Set(run.records.status)]).toEqual([0]);
    expect(run.thresholdsCrossed).toBe(true);
  });

  it('counts a time-out as an error, at its full duration', async () => {
    // Longer than any other answer takes on a machine that has no time left.
    const timeoutMs = 5000;
    const isStuck = ({ url }: Asked) => url.startsWith('/assets/');
    const run = await load(asked => (isStuck(asked) ? 'never' : marked(asked)), { timeoutMs });
    const stuck = run.platform.asked.filter(isStuck).length;
    expect(stuck).toBeGreaterThan(0);
    expect([run.outcomes.timeout, sumOf(run, 'errors')]).toEqual([stuck, stuck]);
    const times = run.records.responseMs.filter((_, i) => REQUEST_KINDS[run.schedule.kind[i]] === 'asset');
    expect(Math.min(...times)).toBeGreaterThanOrEqual(timeoutMs - 1);
    for (const { kind, errors, requests } of run.cells) expect(errors).toBe(kind === 'asset' ? requests : 0);
  });

  it('makes a run invalid in which a company was answered for another', async () => {
    const run = await load(() => ({ body: '{"company":"c09999"}' }));
    const calls = run.platform.asked.filter(({ body }) => body.includes('tools/call')).length;
    expect(calls).toBeGreaterThan(0);
    expect([run.outcomes.foreign, sumOf(run, 'errors')]).toEqual([calls, calls]);
    expect(otherThanLate(run)).toEqual([
      `${calls} answers to tools/call lack the mark of the company that was asked`,
    ]);
  });

  it('makes a run invalid in which it had too few virtual users', async () => {
    const run = await load(asked => ({ ...(marked(asked) as object), delayMs: 200 }), { vus: 3 });
    expect(run.dropped).toBeGreaterThan(0);
    expect(run.sent).toBeLessThan(run.due);
    expect(run.violations.join()).toMatch(/dropped \d+ iterations.*sent \d+ of \d+ requests/);
    expect(sumOf(run, 'requests')).toBe(run.due);
    expect(sumOf(run, 'errors')).toBe(run.due - run.sent);
    expect(run.thresholdsCrossed).toBe(true);
  });

  it('keeps a crossed threshold as a fact of the run', async () => {
    const thresholds = { 'response_ms{phase:measured}': ['p(95)<20'] };
    const run = await load(asked => ({ ...(marked(asked) as object), delayMs: 40 }), { thresholds });
    expect([run.thresholdsCrossed, run.sent]).toEqual([true, run.due]);
  });
});

describe('the process of k6', () => {
  /** A program that says and does what a broken k6 might. */
  function brokenK6(script: string): { path: string } {
    const path = join(newFolder(), 'k6');
    writeFileSync(path, `#!/bin/sh\n${script}\n`);
    chmodSync(path, 0o755);
    return { path };
  }

  it.each([
    'http://example.com:80',
    'http://127.0.0.1.example.com:80',
    'http://127.0.0.1:80@example.com',
    'https://127.0.0.1:443',
    'http://10.0.0.1:80',
    '',
  ])('is never sent to %s', async url => {
    const plan = { ...planFor(NOWHERE), urls: [url, url, url] };
    await expect(runK6({ k6, plan })).rejects.toThrow(/127\.0\.0\.1:PORT only/);
    expect(() => planFor({ ...NOWHERE, 'us-west1': url })).toThrow(/127\.0\.0\.1:PORT only/);
  });

  it('fails with its own message', async () => {
    const say = `echo '{"level":"error","msg":"the script is broken"}' >&2`;
    await expect(runK6({ k6: brokenK6(`${say}; exit 107`), plan: planFor(NOWHERE) })).rejects.toThrow(
      'k6 ended with code 107: the script is broken',
    );
  });

  it('fails in the real k6 with the real message', async () => {
    const plan = { ...planFor(NOWHERE), thresholds: { response_ms: ['p(95)<<1'] } };
    await expect(runK6({ k6, plan })).rejects.toThrow(/k6 ended with code 104: .*threshold/);
  });

  it('fails when there is no such program', async () => {
    const nowhere = { path: join(newFolder(), 'k6') };
    await expect(runK6({ k6: nowhere, plan: planFor(NOWHERE) })).rejects.toThrow(/ENOENT/);
  });

  it('leaves nothing behind, however it ended', async () => {
    const temporary = newFolder();
    const broken = brokenK6('exit 107');
    vi.stubEnv('TMPDIR', temporary).stubEnv('TEMP', temporary);
    try {
      await runK6({ k6, plan: planFor(NOWHERE) });
      expect(readdirSync(temporary)).toEqual([]);
      await expect(runK6({ k6: broken, plan: planFor(NOWHERE) })).rejects.toThrow(/107/);
      expect(readdirSync(temporary)).toEqual([]);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('is given up when it does not end', async () => {
    await expect(
      runK6({ k6: brokenK6('exec sleep 60'), plan: planFor(NOWHERE), msMax: 300 }),
    ).rejects.toThrow(/did not end/);
  });

  it('can be stopped', async () => {
    const stopped = new AbortController();
    const platform = await platformOf(asked => {
      stopped.abort();
      return marked(asked);
    });
    const plan = planFor(platform.urls, { scenario: secondOf(30) });
    await expect(runK6({ k6, plan, signal: stopped.signal })).rejects.toThrow(/was stopped/);
    await until('it is gone', async () => (await platform.connections()) === 0);
  });

  it('ends when its parent is killed, and leaves no token behind', async () => {
    const platform = await platformOf(marked);
    const temporary = newFolder();
    // Longer than its end is waited for: it does not end by itself.
    const plan = planFor(platform.urls, { scenario: secondOf((1.1 * PATIENCE_MS) / 1000) });
    const planFile = join(newFolder(), 'plan.json');
    writeFileSync(planFile, JSON.stringify(plan));
    const rig = pathToFileURL(join(import.meta.dirname, '../../rig/k6.ts')).href;
    const code = `import { readFileSync } from 'node:fs';
      import { runK6 } from ${JSON.stringify(rig)};
      const plan = JSON.parse(readFileSync(${JSON.stringify(planFile)}, 'utf8'));
      await runK6({ k6: ${JSON.stringify(k6)}, plan });`;
    const env = { ...process.env, TMPDIR: temporary, TEMP: temporary };
    const parent = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: 'ignore', env });
    await until('it sends', async () => platform.asked.length > 20);
    expect(await platform.connections()).toBeGreaterThan(0);
    parent.kill('SIGKILL');
    await once(parent, 'close');
    await until('it is gone', async () => (await platform.connections()) === 0);
    expect(readdirSync(temporary)).toEqual([]);
  });
});
