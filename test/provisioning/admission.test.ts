// Companies start only while what is promised at every limit is done soon; the limit that holds them back is named.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Admission, type Rates } from '../../src/provisioning/admission.ts';
import type { LimiterName, Step, StepKind } from '../../src/provisioning/plan.ts';
import { inVirtualTime, type VirtualTime } from '../ports/virtualTime.ts';

const BACKLOG_MS = 15_000;
const NONE: Rates = { dnsRecordWrites: null, cloudRunDeploys: null, databaseOperations: null };

const step = (kind: StepKind, limiter?: LimiterName): Step => ({
  id: kind,
  kind,
  part: '',
  ...(limiter && { limiter }),
});
const deploy = step('service', 'cloudRunDeploys');
const dns = step('dnsRecord', 'dnsRecordWrites');
const times = (count: number, one: Step) => Array.from({ length: count }, () => one);
const open = ({ clock }: VirtualTime, rates: Partial<Rates>, resumed = false) =>
  new Admission(clock, { ...NONE, ...rates }, BACKLOG_MS, resumed);
const blockedMs = (admission: Admission, name: string) =>
  admission.counts().find(count => count.name === name)?.admissionBlockedMs;

describe('admission', () => {
  it('never waits without limits', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      admission.admit(times(1000, deploy));
      await admission.wait();
      expect(time.elapsedMs()).toBe(0);
      expect(admission.counts()).toEqual([]);
    }));

  it.each([
    [15, 0],
    [16, 1000],
    [40, 25_000],
  ])('with %d deployments under way at 60 a minute it waits %d ms', (count, ms) =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60, dnsRecordWrites: 6000 });
      admission.admit([...times(count, deploy), dns]);
      for (let i = 0; i < count; i++) admission.reserve(deploy, true);
      await admission.wait();
      expect(time.elapsedMs()).toBe(ms);
      expect(blockedMs(admission, 'cloudRunDeploys')).toBe(ms);
      expect(blockedMs(admission, 'dnsRecordWrites')).toBe(0);
    }),
  );

  it('counts what is promised like what was asked for', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60 });
      admission.admit(times(20, deploy));
      const waited = admission.wait().then(time.elapsedMs);
      await time.clock.sleep(3000);
      for (let i = 0; i < 20; i++) admission.reserve(deploy, true);
      // The slots begin at 3 s, and 15 of them are allowed to be ahead.
      expect(await waited).toBe(8000);
    }));

  it('names the limit that holds it back the longest', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60, dnsRecordWrites: 100 });
      admission.admit([...times(20, deploy), ...times(30, dns)]);
      for (let i = 0; i < 20; i++) admission.reserve(deploy, true);
      for (let i = 0; i < 30; i++) admission.reserve(dns, true);
      await admission.wait();
      expect(blockedMs(admission, 'cloudRunDeploys')).toBe(5000);
      expect(blockedMs(admission, 'dnsRecordWrites')).toBe(0);
    }));

  it('goes on when a company is given up', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60 });
      admission.admit(times(30, deploy));
      const waited = admission.wait().then(time.elapsedMs);
      await time.clock.sleep(2000);
      for (let i = 0; i < 20; i++) admission.release(deploy, false);
      expect(await waited).toBeLessThanOrEqual(15_000);
      await admission.wait();
      expect(time.elapsedMs()).toBeLessThanOrEqual(15_000);
    }));

  it('takes a promise back once, whether the step was asked for, tried again or given up', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ asked: fc.boolean(), retries: fc.nat(3) }), { maxLength: 40 }),
        steps =>
          inVirtualTime(async time => {
            const admission = open(time, { cloudRunDeploys: 60 });
            admission.admit(times(steps.length, deploy));
            for (const { asked, retries } of steps) {
              if (asked) for (let i = 0; i <= retries; i++) admission.reserve(deploy, i === 0);
              admission.release(deploy, asked);
            }
            // All slots have passed: whatever is counted now is a promise too many or too few.
            await time.clock.sleep(1000 * 4 * (steps.length + 1));
            const beganAtMs = time.elapsedMs();
            admission.admit(times(15, deploy));
            await admission.wait();
            expect(time.elapsedMs() - beganAtMs).toBe(0);
            admission.admit([deploy]);
            const waited = admission.wait().then(time.elapsedMs);
            await time.clock.sleep(500);
            admission.release(deploy, false);
            expect(await waited).toBeGreaterThan(beganAtMs + 500);
          }),
      ),
      { numRuns: 50 },
    ));

  it('has no slot for a step without a limiter, nor for a limiter without a rate', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60 });
      const { nowMs } = time.clock;
      for (const one of [step('secret'), dns, step('secret'), dns])
        expect(admission.reserve(one, true)).toBe(nowMs());
      expect(admission.counts().map(({ calls }) => calls)).toEqual([0]);
    }));

  it('opens its limiters one interval late when it takes up the rollout of another process', () =>
    inVirtualTime(async time => {
      const slots = (resumed: boolean) => {
        const admission = open(time, { cloudRunDeploys: 60 }, resumed);
        return admission.reserve(deploy, true) - time.clock.nowMs();
      };
      expect([slots(false), slots(true)]).toEqual([0, 1000]);
    }));

  it('puts no gate before calls that were never refused', () =>
    inVirtualTime(time => {
      const admission = open(time, {});
      expect(admission.gateOf('service', 'create')).toBeUndefined();
      const gate = admission.refused('service', 'create', 'WritesPerMinute', 1000);
      expect(admission.gateOf('service', 'create')).toBe(gate);
      expect([...gate.quotas.keys()]).toEqual(['WritesPerMinute']);
      expect(admission.refused('service', 'create', 'other', 1000)).toBe(gate);
      expect(admission.gateOf('service', 'find')).toBeUndefined();
      expect(admission.gateOf('secret', 'create')).toBeUndefined();
    }));

  it('waits for a quota that refused, and names it', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60 });
      admission.refused('service', 'create', 'WritesPerMinute', 40_000);
      await admission.wait();
      expect(time.elapsedMs()).toBe(25_000);
      expect(admission.counts()).toEqual([
        {
          name: 'cloudRunDeploys',
          kind: 'limiter',
          calls: 0,
          waitMs: 0,
          refusals: 0,
          admissionBlockedMs: 0,
        },
        {
          name: 'WritesPerMinute',
          kind: 'quota',
          calls: 0,
          waitMs: 0,
          refusals: 1,
          admissionBlockedMs: 25_000,
        },
      ]);
    }));

  it('sums up a quota over all the calls that it refused', () =>
    inVirtualTime(time => {
      const admission = open(time, {});
      admission.refused('service', 'create', 'WritesPerMinute', 10);
      admission.refused('service', 'remove', 'WritesPerMinute', 10);
      admission.refused('secret', 'create', 'other', 10);
      admission.refused('service', 'create', 'WritesPerMinute', 10);
      expect(admission.counts().map(({ name, refusals }) => [name, refusals])).toEqual([
        ['WritesPerMinute', 3],
        ['other', 1],
      ]);
    }));

  it('names two quotas on one kind of call, each with the waits that it caused', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      const gate = admission.refused('service', 'create', 'a minute', 1000);
      await gate.enter();
      gate.leave();
      admission.refused('service', 'create', 'an hour', 7000);
      await gate.enter();
      gate.leave();
      expect(admission.counts()).toMatchObject([
        { name: 'a minute', kind: 'quota', calls: 1, waitMs: 1000, refusals: 1 },
        { name: 'an hour', kind: 'quota', calls: 1, waitMs: 7000, refusals: 1 },
      ]);
    }));

  it.each(['find', 'remove'])('is not held back by a quota that refuses only %s', verb =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      admission.admit(times(100, deploy));
      admission.refused('service', verb, 'few', 600_000);
      await admission.wait();
      expect(time.elapsedMs()).toBe(0);
      expect(admission.counts()).toMatchObject([{ name: 'few', refusals: 1, admissionBlockedMs: 0 }]);
    }),
  );

  it('names the concurrency as a limit once it has held a company back, with all its waits', () =>
    inVirtualTime(time => {
      const admission = open(time, {});
      admission.crowded(0);
      expect(admission.counts()).toEqual([]);
      admission.crowded(3000);
      admission.crowded(4000);
      expect(admission.counts()).toEqual([
        {
          name: 'concurrency',
          kind: 'limiter',
          calls: 0,
          waitMs: 7000,
          refusals: 0,
          admissionBlockedMs: 7000,
        },
      ]);
    }));

  it('goes on within a second or two of the moment at which a gate opens', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      admission.admit(times(100, deploy));
      const gate = admission.refused('service', 'create', 'few', 0);
      // The first turn takes long: a hundred like it would take minutes.
      const turn = async (ms: number) => {
        if (!(await gate.enter())) return;
        await time.clock.sleep(ms);
        gate.leave();
      };
      await turn(5000);
      const waited = admission.wait().then(time.elapsedMs);
      for (let i = 0; i < 4; i++) await turn(100);
      expect(await gate.enter()).toBe(false);
      expect(await waited).toBeLessThanOrEqual(time.elapsedMs() + 2000);
      expect(await waited).toBeLessThanOrEqual(5400 + 2000);
    }));

  it('counts the steps ahead of a gate, by kind, at the pace that it has seen', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      admission.admit([...times(10, deploy), ...times(90, dns)]);
      admission.refused('service', 'create', 'WritesPerMinute', 0);
      const gate = admission.gateOf('service', 'create')!;
      await gate.enter();
      await time.clock.sleep(2000);
      gate.leave();
      // Ten more at 2 s each are 5 s over the backlog, eight are one, seven are not.
      const waited = admission.wait().then(time.elapsedMs);
      for (let i = 0; i < 2; i++) admission.release(deploy, true);
      await time.clock.sleep(18_000);
      admission.release(deploy, true);
      const endedMs = await waited;
      expect(endedMs).toBeGreaterThanOrEqual(20_000);
      expect(endedMs).toBeLessThanOrEqual(21_000);
      expect(blockedMs(admission, 'WritesPerMinute')).toBe(endedMs - 2000);
      await admission.wait();
      expect(time.elapsedMs()).toBe(endedMs);
    }));

  it('counts a step that has passed its gate no longer, and takes it off once', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      const steps = Array.from({ length: 10 }, () => ({ ...deploy }));
      admission.admit(steps);
      admission.refused('service', 'create', 'WritesPerMinute', 0);
      const gate = admission.gateOf('service', 'create')!;
      await gate.enter();
      await time.clock.sleep(2000);
      gate.leave();
      const waitMs = async () => {
        const beganAtMs = time.elapsedMs();
        await admission.wait();
        return time.elapsedMs() - beganAtMs;
      };
      // Eight at 2 s each are a second too many, seven are not.
      for (const step of [steps[0], steps[1], steps[0]]) admission.pass(step);
      for (const step of steps.slice(0, 2)) admission.release(step, true);
      const waited = waitMs();
      await time.clock.sleep(500);
      admission.pass(steps[2]);
      expect(await waited).toBe(1000);
      expect(await waitMs()).toBe(0);
    }));
});
