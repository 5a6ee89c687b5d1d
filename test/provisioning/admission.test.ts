// Companies start only while what is promised at every limit is done soon; the limit that holds them back is named.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_VENDOR_RATES } from '../../scenarios/rolloutOptions.ts';
import { Admission, type Placed, type Rates } from '../../src/provisioning/admission.ts';
import type { LimiterName, Step, StepKind } from '../../src/provisioning/plan.ts';
import type { VendorRates } from '../../src/provisioning/vendorLimits.ts';
import { inVirtualTime, type VirtualTime } from '../ports/virtualTime.ts';
import { memorySlots, PLACED } from './slots.ts';

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
const open = (
  { clock }: VirtualTime,
  rates: Partial<Rates>,
  vendorRates: Partial<VendorRates> = {},
  slots = memorySlots(),
) => new Admission(clock, slots, { ...NONE, ...rates }, { ...NO_VENDOR_RATES, ...vendorRates }, BACKLOG_MS);
const blockedMs = (admission: Admission, name: string) =>
  admission.counts().find(count => count.name === name)?.admissionBlockedMs;

describe('admission', () => {
  it('never waits without limits', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      admission.admit(times(1000, deploy), PLACED);
      await admission.wait([deploy, dns], PLACED);
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
      admission.admit([...times(count, deploy), dns], PLACED);
      for (let i = 0; i < count; i++) await admission.reserve(deploy, 'create', true, PLACED);
      await admission.wait([deploy, dns], PLACED);
      expect(time.elapsedMs()).toBe(ms);
      expect(blockedMs(admission, 'cloudRunDeploys')).toBe(ms);
      expect(blockedMs(admission, 'dnsRecordWrites')).toBe(0);
    }),
  );

  it('counts what is promised like what was asked for', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60 });
      admission.admit(times(20, deploy), PLACED);
      const waited = admission.wait([deploy, dns], PLACED).then(time.elapsedMs);
      await time.clock.sleep(3000);
      for (let i = 0; i < 20; i++) await admission.reserve(deploy, 'create', true, PLACED);
      // The slots begin at 3 s, and 15 of them are allowed to be ahead.
      expect(await waited).toBe(8000);
    }));

  it('names the limit that holds it back the longest', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60, dnsRecordWrites: 100 });
      admission.admit([...times(20, deploy), ...times(30, dns)], PLACED);
      for (let i = 0; i < 20; i++) await admission.reserve(deploy, 'create', true, PLACED);
      for (let i = 0; i < 30; i++) await admission.reserve(dns, 'create', true, PLACED);
      await admission.wait([deploy, dns], PLACED);
      expect(blockedMs(admission, 'cloudRunDeploys')).toBe(5000);
      expect(blockedMs(admission, 'dnsRecordWrites')).toBe(0);
    }));

  it('goes on when a company is given up', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60 });
      admission.admit(times(30, deploy), PLACED);
      const waited = admission.wait([deploy, dns], PLACED).then(time.elapsedMs);
      await time.clock.sleep(2000);
      for (let i = 0; i < 20; i++) admission.release(deploy, false, PLACED);
      expect(await waited).toBeLessThanOrEqual(15_000);
      await admission.wait([deploy, dns], PLACED);
      expect(time.elapsedMs()).toBeLessThanOrEqual(15_000);
    }));

  it('takes a promise back once, whether the step was asked for, tried again or given up', () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ asked: fc.boolean(), retries: fc.nat(3) }), { maxLength: 40 }),
        steps =>
          inVirtualTime(async time => {
            const admission = open(time, { cloudRunDeploys: 60 });
            admission.admit(times(steps.length, deploy), PLACED);
            for (const { asked, retries } of steps) {
              if (asked)
                for (let i = 0; i <= retries; i++) await admission.reserve(deploy, 'create', i === 0, PLACED);
              admission.release(deploy, asked, PLACED);
            }
            // All slots have passed: whatever is counted now is a promise too many or too few.
            await time.clock.sleep(1000 * 4 * (steps.length + 1));
            const beganAtMs = time.elapsedMs();
            admission.admit(times(15, deploy), PLACED);
            await admission.wait([deploy, dns], PLACED);
            expect(time.elapsedMs() - beganAtMs).toBe(0);
            admission.admit([deploy], PLACED);
            const waited = admission.wait([deploy, dns], PLACED).then(time.elapsedMs);
            await time.clock.sleep(500);
            admission.release(deploy, false, PLACED);
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
        expect(await admission.reserve(one, 'create', true, PLACED)).toBe(nowMs());
      expect(admission.counts().map(({ calls }) => calls)).toEqual([0]);
    }));

  it("keeps the vendor's rate by what the vendor counts by, whatever the plan allows", () =>
    inVirtualTime(async time => {
      const admission = open(time, {}, { cloudRunWrites: 60 });
      const elsewhere = { ...PLACED, company: { ...PLACED.company, region: 'europe-west1' } };
      const project = { ...PLACED, place: { ...PLACED.place, googleProject: 'q' } };
      const slot = async (placed: Placed) =>
        (await admission.reserve(deploy, 'create', true, placed)) - time.clock.nowMs();
      admission.admit(times(4, deploy), PLACED);
      expect(await slot(PLACED)).toBe(0);
      expect(await slot(PLACED)).toBe(1000);
      expect(await slot(elsewhere)).toBe(0);
      expect(await slot(project)).toBe(0);
      expect(admission.counts()).toMatchObject([{ name: 'cloudRunWrites', calls: 4, waitMs: 1000 }]);
    }));

  it('gives a call that two limits count a slot of both', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 120 }, { cloudRunWrites: 60 });
      const slots: number[] = [];
      for (let i = 0; i < 3; i++)
        slots.push((await admission.reserve(deploy, 'create', false, PLACED)) - time.clock.nowMs());
      expect(slots).toEqual([0, 1000, 2000]);
      expect(await admission.reserve(deploy, 'find', false, PLACED)).toBe(time.clock.nowMs());
    }));

  it("counts each look at a record towards Cloudflare's requests, and both calls of a removal", () =>
    inVirtualTime(async time => {
      const admission = open(time, {}, { cloudflareRequests: 240 });
      const slot = async (verb: 'create' | 'find' | 'remove') =>
        (await admission.reserve(dns, verb, false, PLACED)) - time.clock.nowMs();
      expect([await slot('create'), await slot('find'), await slot('remove'), await slot('find')]).toEqual([
        0, 250, 750, 1000,
      ]);
    }));

  it('shares its slots, and what a vendor said about coming back, with another provisioner', () =>
    inVirtualTime(async time => {
      const slots = memorySlots();
      const [one, other] = [1, 2].map(() => open(time, { cloudRunDeploys: 60 }, {}, slots));
      const slot = async (admission: Admission) =>
        (await admission.reserve(deploy, 'create', false, PLACED)) - time.clock.nowMs();
      expect([await slot(one), await slot(other), await slot(one)]).toEqual([0, 1000, 2000]);
      await one.refused(deploy, 'create', 'WritesPerMinute', 9000, PLACED);
      expect([await slot(other), await slot(one)]).toEqual([9000, 10_000]);
    }));

  it('puts no gate before calls that were never refused', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      expect(admission.gateOf('service', 'create')).toBeUndefined();
      const gate = await admission.refused(step('service'), 'create', 'WritesPerMinute', 1000, PLACED);
      expect(admission.gateOf('service', 'create')).toBe(gate);
      expect([...gate.quotas.keys()]).toEqual(['WritesPerMinute']);
      expect(await admission.refused(step('service'), 'create', 'other', 1000, PLACED)).toBe(gate);
      expect(admission.gateOf('service', 'find')).toBeUndefined();
      expect(admission.gateOf('secret', 'create')).toBeUndefined();
    }));

  it('waits for a quota that refused, and names it', () =>
    inVirtualTime(async time => {
      const admission = open(time, { cloudRunDeploys: 60 });
      await admission.refused(step('service'), 'create', 'WritesPerMinute', 40_000, PLACED);
      await admission.wait([deploy, dns], PLACED);
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
    inVirtualTime(async time => {
      const admission = open(time, {});
      await admission.refused(step('service'), 'create', 'WritesPerMinute', 10, PLACED);
      await admission.refused(step('service'), 'remove', 'WritesPerMinute', 10, PLACED);
      await admission.refused(step('secret'), 'create', 'other', 10, PLACED);
      await admission.refused(step('service'), 'create', 'WritesPerMinute', 10, PLACED);
      expect(admission.counts().map(({ name, refusals }) => [name, refusals])).toEqual([
        ['WritesPerMinute', 3],
        ['other', 1],
      ]);
    }));

  it('names two quotas on one kind of call, each with the waits that it caused', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      const gate = await admission.refused(step('service'), 'create', 'a minute', 1000, PLACED);
      await gate.enter();
      gate.leave();
      await admission.refused(step('service'), 'create', 'an hour', 7000, PLACED);
      await gate.enter();
      gate.leave();
      expect(admission.counts()).toMatchObject([
        { name: 'a minute', kind: 'quota', calls: 1, waitMs: 1000, refusals: 1 },
        { name: 'an hour', kind: 'quota', calls: 1, waitMs: 7000, refusals: 1 },
      ]);
    }));

  it.each(['find', 'remove'] as const)('is not held back by a quota that refuses only %s', verb =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      admission.admit(times(100, deploy), PLACED);
      await admission.refused(step('service'), verb, 'few', 600_000, PLACED);
      await admission.wait([deploy, dns], PLACED);
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
      admission.admit(times(100, deploy), PLACED);
      const gate = await admission.refused(step('service'), 'create', 'few', 0, PLACED);
      // The first turn takes long: a hundred like it would take minutes.
      const turn = async (ms: number) => {
        if (!(await gate.enter())) return;
        await time.clock.sleep(ms);
        gate.leave();
      };
      await turn(5000);
      const waited = admission.wait([deploy, dns], PLACED).then(time.elapsedMs);
      for (let i = 0; i < 4; i++) await turn(100);
      expect(await gate.enter()).toBe(false);
      expect(await waited).toBeLessThanOrEqual(time.elapsedMs() + 2000);
      expect(await waited).toBeLessThanOrEqual(5400 + 2000);
    }));

  it('counts the steps ahead of a gate, by kind, at the pace that it has seen', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      admission.admit([...times(10, deploy), ...times(90, dns)], PLACED);
      await admission.refused(step('service'), 'create', 'WritesPerMinute', 0, PLACED);
      const gate = admission.gateOf('service', 'create')!;
      await gate.enter();
      await time.clock.sleep(2000);
      gate.leave();
      // Ten more at 2 s each are 5 s over the backlog, eight are one, seven are not.
      const waited = admission.wait([deploy, dns], PLACED).then(time.elapsedMs);
      for (let i = 0; i < 2; i++) admission.release(deploy, true, PLACED);
      await time.clock.sleep(18_000);
      admission.release(deploy, true, PLACED);
      const endedMs = await waited;
      expect(endedMs).toBeGreaterThanOrEqual(20_000);
      expect(endedMs).toBeLessThanOrEqual(21_000);
      expect(blockedMs(admission, 'WritesPerMinute')).toBe(endedMs - 2000);
      await admission.wait([deploy, dns], PLACED);
      expect(time.elapsedMs()).toBe(endedMs);
    }));

  it('counts a step that has passed its gate no longer, and takes it off once', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      const steps = Array.from({ length: 10 }, () => ({ ...deploy }));
      admission.admit(steps, PLACED);
      await admission.refused(step('service'), 'create', 'WritesPerMinute', 0, PLACED);
      const gate = admission.gateOf('service', 'create')!;
      await gate.enter();
      await time.clock.sleep(2000);
      gate.leave();
      const waitMs = async () => {
        const beganAtMs = time.elapsedMs();
        await admission.wait([deploy, dns], PLACED);
        return time.elapsedMs() - beganAtMs;
      };
      // Eight at 2 s each are a second too many, seven are not.
      for (const step of [steps[0], steps[1], steps[0]]) admission.pass(step);
      for (const step of steps.slice(0, 2)) admission.release(step, true, PLACED);
      const waited = waitMs();
      await time.clock.sleep(500);
      admission.pass(steps[2]);
      expect(await waited).toBe(1000);
      expect(await waitMs()).toBe(0);
    }));
});

describe('a look of somebody who need not look now', () => {
  const find = step('userAccess');
  const manyAtOnce = (admission: Admission, count: number) =>
    Promise.all(Array.from({ length: count }, () => admission.reserveSoon(find, PLACED)));

  it('is let go at its slot, and not at all while it would come later than the backlog allows', () =>
    inVirtualTime(async time => {
      const admission = open(time, {}, { atlasUserRequests: 60 });
      const nowMs = time.clock.nowMs();
      const moments = await manyAtOnce(admission, 50);
      // One at once, and fifteen more in the fifteen seconds that are allowed.
      expect(moments.filter(atMs => atMs !== undefined)).toEqual(
        Array.from({ length: 16 }, (_, i) => nowMs + i * 1000),
      );
      await time.clock.sleep(10_000);
      expect((await manyAtOnce(admission, 50)).filter(atMs => atMs !== undefined)).toHaveLength(10);
    }));

  it('takes no slot where it is not let go: who must call comes next', () =>
    inVirtualTime(async time => {
      const admission = open(time, {}, { atlasUserRequests: 60 });
      await manyAtOnce(admission, 500);
      expect(await admission.reserve(find, 'create', false, PLACED)).toBe(time.clock.nowMs() + 17_000);
    }));

  it('is not made before a closed gate that will not open soon, nor behind a long queue there', () =>
    inVirtualTime(async time => {
      const admission = open(time, {});
      expect(await admission.reserveSoon(find, PLACED)).toBe(time.clock.nowMs());
      await admission.refused(find, 'find', 'ReadsPerMinute', 20_000, PLACED);
      expect(await admission.reserveSoon(find, PLACED)).toBeUndefined();
      await time.clock.sleep(6000);
      expect(await admission.reserveSoon(find, PLACED)).toBe(time.clock.nowMs());
    }));

  it('waits for nobody where the vendor has no such limit', () =>
    inVirtualTime(async time => {
      const moments = await manyAtOnce(open(time, {}), 500);
      expect(new Set(moments)).toEqual(new Set([time.clock.nowMs()]));
    }));
});
