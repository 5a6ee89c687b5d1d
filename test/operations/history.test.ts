// What a journal says became of a company after its rollout.

import { expect, it } from 'vitest';
import { livesOf } from '../../src/operations/history.ts';
import type { JournalEntry } from '../../src/ports.ts';
import type { Company } from '../../src/provisioning/company.ts';

const ids = ['c00000', 'c00001'];
const companies = ids.map(
  (id, index): Company => ({
    ...{ index, id, region: 'us-west1', ordinal: index, level: 'OPAL' },
    ...{ industry: 'retail', configuration: 'basic' },
  }),
);

const entry = (event: JournalEntry['event'], id?: string): JournalEntry => ({
  ...{ company: 1, step: '', event, atMs: 0 },
  ...(id !== undefined && { id }),
});

it.each<[string, string, JournalEntry[]]>([
  ['that was never changed', 'ready', []],
  ['that is being suspended', 'suspended', [entry('changing', 'suspension')]],
  ['that was suspended', 'suspended', [entry('changing', 'suspension'), entry('changed')]],
  [
    'that was suspended and resumed',
    'ready',
    [entry('changing', 'suspension'), entry('changed'), entry('changing', 'resumption'), entry('changed')],
  ],
  ['whose decommissioning has not ended', 'leaving', [entry('changing', 'decommissioning')]],
  [
    'that was decommissioned',
    'decommissioned',
    [entry('changing', 'decommissioning'), entry('decommissioned')],
  ],
])('a company %s is %s, and the others are as the rollout left them', (_, outcome, entries) => {
  const lives = livesOf({ outcome: ['undone', 'ready'], reasons: { c00000: 'why' } }, companies, entries);
  expect(lives.outcome).toEqual(['undone', outcome]);
  const reason = outcome === 'ready' ? {} : { c00001: `${outcome} after it was ready` };
  expect(lives.reasons).toEqual({ c00000: 'why', ...reason });
});
