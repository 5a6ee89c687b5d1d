// A vendor that has no room for another company: those for whom there is room are made, the others are undone at once and
// say what there was no room for.

import { describe, expect, it } from 'vitest';
import { rolloutOf, simulate } from './harness.ts';

const COMPANIES = 6;

describe.each([
  ['quota.atlas.roles', 4, 4, 'atlas.customDbRoles.create', 'CUSTOM_ROLES_LIMIT_EXCEEDED'],
  ['quota.atlas.users', 4, 4, 'atlas.databaseUsers.create', 'GROUP_USERS_LIMIT_EXCEEDED'],
  // The default namespace counts.
  ['quota.pinecone.namespaces', 5, 4, 'pinecone.namespaces.create', 'namespaces'],
])('with %s at %i', (fact, limit, room, operation, name) => {
  const run = (quotas: string) =>
    simulate(rolloutOf(COMPANIES, { 'provisioning.quotas': quotas }), {
      factOverrides: { [fact]: limit },
    });

  it(`makes ${room} of ${COMPANIES} companies and undoes the others, each after one refusal`, async () => {
    const { rollout, facts } = await run('vendor');
    const { outcome, reasons, violations, operations } = rollout;
    expect(violations).toEqual([]);
    expect(outcome.filter(one => one === 'ready')).toHaveLength(room);
    expect(outcome.filter(one => one === 'undone')).toHaveLength(COMPANIES - room);
    expect(Object.values(reasons)).toEqual(
      Array(COMPANIES - room).fill(expect.stringContaining(`the quota ${name} is used up`)),
    );
    // A line for those that were done, and one for those that were refused.
    const lines = operations.filter(each => each.operation === operation);
    expect(lines.map(({ calls, refusedByQuota }) => [calls, refusedByQuota])).toEqual([
      [room, 0],
      [COMPANIES - room, COMPANIES - room],
    ]);
    expect(facts).toContain(fact);
  });

  it('makes them all where the vendors’ limits are not checked', async () => {
    const { rollout } = await run('plan');
    expect(rollout.outcome).toEqual(Array(COMPANIES).fill('ready'));
  });
});
