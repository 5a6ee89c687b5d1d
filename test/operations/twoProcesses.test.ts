// Two processes on one journal: one company is never in the hands of both, and what one leaves unfinished the other ends.

import { expect, it } from 'vitest';
import { CHECK_CRITICAL_MS, LEASE_MS } from '../../src/limits.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { Operations, openOperations } from '../../src/operations/operations.ts';
import { resume, suspend } from '../../src/operations/suspend.ts';
import { watch } from '../../src/operations/watch.ts';
import { rolloutOf } from '../simulator/harness.ts';
import { runWorld, type World } from './world.ts';

const COMPANY = 'c00001';
const scenario = rolloutOf(3);

const another = ({ operations }: World, holder: string, transport = operations.ports.transport) =>
  openOperations({ ...operations.ports, transport }, { ...operations.options, holder });

it('a company that one changes is refused to the other, which knows the outcome afterwards', async () => {
  const ran = await runWorld(scenario, async world => {
    const other = await another(world, 'another operator');
    const suspending = suspend(world.operations, COMPANY);
    await world.clock.sleep(500);
    const [first, second, stranger] = await Promise.all([
      suspending,
      decommission(other, COMPANY),
      decommission(other, 'c00002'),
    ]);
    expect(first).toMatchObject({ state: 'done' });
    expect(second).toMatchObject({ state: 'refused', reason: `another process is changing ${COMPANY}` });
    expect(stranger).toMatchObject({ state: 'done' });
    // It was active when the other one opened the journal.
    expect(await other.change(COMPANY, { kind: 'level', level: 'OPAL' })).toMatchObject({
      state: 'refused',
      reason: 'c00001 is suspended: resume it first',
    });
    expect(await resume(other, COMPANY)).toMatchObject({ state: 'done' });
  });
  expect(ran.violations(['c00002'])).toEqual([]);
});

it('what a process leaves unfinished is ended by another, once nothing is heard of it, and by that one alone', async () => {
  const ran = await runWorld(scenario, async world => {
    const { operations, clock } = world;
    let calls = 0;
    // Its calls and its lease's extensions stop half way, as those of a machine that hangs.
    const { promise: isHanging, resolve: hang } = Promise.withResolvers<void>();
    const hanging = await openOperations(
      {
        ...operations.ports,
        transport: {
          send: call => {
            if (++calls <= 3) return operations.ports.transport.send(call);
            hang();
            return new Promise(() => {});
          },
        },
        leases: {
          ...operations.ports.leases,
          extend: (...args) => (calls <= 3 ? operations.ports.leases.extend(...args) : new Promise(() => {})),
        },
      },
      { ...operations.options, holder: 'a process that hangs' },
    );
    void decommission(hanging, COMPANY);
    await isHanging;
    const other = await another(world, 'another operator');
    expect(await decommission(other, COMPANY)).toMatchObject({ state: 'refused' });
    const beganAtMs = clock.nowMs();
    expect(await other.takeUp()).toEqual([expect.objectContaining({ state: 'done' })]);
    expect(clock.nowMs() - beganAtMs).toBeGreaterThan(LEASE_MS / 2);
  });
  expect(ran.violations([COMPANY])).toEqual([]);
  const ends = ran.stores.entries.filter(({ company, event }) => company === 1 && event === 'decommissioned');
  expect(ends).toHaveLength(1);
});

/** Checks of a watch of ten minutes, while another process does something in its fourth. */
async function watchedBeside(
  meanwhile: (other: Operations) => Promise<unknown>,
  watcherOf: (world: World) => Promise<Operations> = async ({ operations }) => operations,
) {
  const checks: { readonly company: string; readonly atMs: number; readonly state: string }[] = [];
  let doneAtMs = 0;
  await runWorld(scenario, async world => {
    const { clock } = world;
    const watcher = await watcherOf(world);
    const untilMs = clock.nowMs() + 600_000;
    const options = {
      isOver: () => clock.nowMs() >= untilMs,
      record: (record: { company: string; atMs: number }) =>
        void ('state' in record && checks.push(record as (typeof checks)[number])),
      heals: false,
    };
    const others = async () => {
      const other = await another(world, 'another operator');
      await clock.sleep(180_000);
      await meanwhile(other);
      doneAtMs = clock.nowMs();
    };
    await Promise.all([watch(watcher, options), others()]);
  });
  return { own: checks.filter(({ company }) => company === COMPANY), doneAtMs };
}

it.each([
  ['suspends', suspend],
  ['decommissions', decommission],
])('what another process %s is left alone by a watch from its next lap on', async (_, change) => {
  const { own, doneAtMs } = await watchedBeside(other => change(other, COMPANY));
  expect(own.length).toBeGreaterThan(2);
  expect(own.filter(({ atMs }) => atMs > doneAtMs + CHECK_CRITICAL_MS)).toEqual([]);
});

it('what another process suspends and resumes is watched again', async () => {
  const { own, doneAtMs } = await watchedBeside(async other => {
    await suspend(other, COMPANY);
    await other.ports.clock.sleep(100_000);
    await resume(other, COMPANY);
  });
  const after = own.filter(({ atMs }) => atMs > doneAtMs + CHECK_CRITICAL_MS);
  expect(after.length).toBeGreaterThan(2);
  expect(after.filter(({ state }) => state !== 'healthy')).toEqual([]);
});

it('what another process provisions is watched from the next lap on', async () => {
  const { own } = await watchedBeside(
    async () => {},
    async ({ operations, stores }) => {
      // As if the journal had had nothing of it yet.
      const before = stores.entries.filter(({ company }) => company !== 1);
      const watcher = new Operations(operations.ports, operations.options, before, 0);
      expect(watcher.serving(COMPANY)).toBeUndefined();
      return watcher;
    },
  );
  expect(own.length).toBeGreaterThan(8);
});
