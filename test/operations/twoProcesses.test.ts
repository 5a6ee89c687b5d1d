// Two processes on one journal: one company is never in the hands of both, and what one leaves unfinished the other ends.

import { expect, it } from 'vitest';
import { LEASE_MS } from '../../src/limits.ts';
import { decommission } from '../../src/operations/decommission.ts';
import { openOperations } from '../../src/operations/operations.ts';
import { resume, suspend } from '../../src/operations/suspend.ts';
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
