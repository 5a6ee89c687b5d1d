// Many small rollouts that are full in several places at once, with limits, provisioners, crashes and pauses drawn from a
// seed: nothing is left of a company that is not ready, none is stuck, and all the room that there is gets used.

import { expect, it } from 'vitest';
import { drawUint32, PURPOSE } from '../../scenarios/draw.ts';
import { rolloutOf, witness } from './harness.ts';

const RUNS = 200;
const COMPANIES = 30;
const PROJECTS = ['sandtable-a', 'sandtable-b'];

/** What one run is, from its number alone. */
function drawn(run: number) {
  const pick = (what: number, below: number) => drawUint32(run, PURPOSE.bench, [what]) % below;
  const limits = {
    'quota.atlas.roles': 2 + pick(1, 12),
    'quota.atlas.users': 2 + pick(2, 12),
    'quota.cloud-run.services': 1 + pick(3, 8),
    'quota.pinecone.namespaces': 3 + pick(4, 14),
  };
  const provisioners = 1 + pick(5, 3);
  const crashAtEvents = Array.from({ length: pick(7, 4) }, (_, i) => pick(10 + i, 4000));
  const pause = {
    atEvent: pick(20, 3000),
    provisioner: pick(21, provisioners),
    forMs: 61_000 + pick(22, 200_000),
  };
  // The default namespace counts.
  const room = Math.min(
    limits['quota.atlas.roles'],
    limits['quota.atlas.users'],
    limits['quota.pinecone.namespaces'] - 1,
    PROJECTS.length * limits['quota.cloud-run.services'],
  );
  const sets = { 'provisioning.provisioners': provisioners, 'provisioning.concurrencyMax': 2 + pick(6, 6) };
  return {
    limits,
    provisioners,
    sets,
    room,
    hooks: { crashAtEvents, pauses: pick(8, 3) === 0 ? [pause] : [] },
  };
}

it('ends with all room used and nothing left of the others, whatever is full, and whoever crashes', async () => {
  let short = 0;
  for (let run = 0; run < RUNS; run++) {
    const { limits, provisioners, sets, room, hooks } = drawn(run);
    const scenario = rolloutOf(COMPANIES, {
      'provisioning.quotas': 'vendor',
      'provisioning.batchSize': 10,
      'platform.googleProjects': PROJECTS,
      ...sets,
    });
    const { replication } = await witness(scenario, { seed: run, factOverrides: limits, hooks });
    const { outcome, violations } = replication.rollout;
    const ready = outcome.filter(one => one === 'ready').length;
    const stuck = outcome.filter(one => !['ready', 'undone', 'noRoom'].includes(one));
    expect({ run, violations, stuck }).toEqual({ run, violations: [], stuck: [] });
    expect({ run, ready }).toEqual({ run, ready: Math.min(ready, room) });
    // What one provisioner gives up, another that has ended does not hear of; a further run of the rollout would.
    if (provisioners === 1) expect({ run, ready }).toEqual({ run, ready: room });
    if (ready < room) short++;
  }
  expect(short).toBeLessThan(RUNS / 50);
});
