// Which rollouts are held against HTTP at all: those that somebody waits for, and that one machine bears.

import { describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { expectBearableRollout, expectShort } from '../../rig/rolloutLimits.ts';
import { simulate } from '../simulator/harness.ts';

describe('a rollout over HTTP', () => {
  it.each(['crosscheck-rollout', 'pilot-100', 'today'])('may be %s', name => {
    expect(() => expectShort(loadScenario(name))).not.toThrow();
  });

  it.each([
    ['rollout-10000', 167],
    ['full-plan', 167],
    // The vendors' rates bind it: what is slowest by itself decides.
    ['rollout-vendor', 19],
    ['load-1000', 17],
  ])('may not be %s, which takes %i min by its limits alone', (name, minutes) => {
    expect(() => expectShort(loadScenario(name))).toThrow(
      new RegExp(`the rollout of ${name} takes at least ${minutes} min by its limits`),
    );
  });

  it('may not take longer than that in virtual time either, whatever its limits say', async () => {
    const scenario = loadScenario('crosscheck-rollout');
    const { rollout } = await simulate(scenario);
    expect(() => expectBearableRollout(scenario, rollout)).not.toThrow();
    expect(() => expectBearableRollout(scenario, { ...rollout, durationMs: 600_001 })).toThrow(
      /takes 11 min in virtual time, .* 10 min at most/,
    );
  });

  it('may not call more often than one machine answers in time', async () => {
    const scenario = loadScenario('crosscheck-rollout');
    const { rollout } = await simulate(scenario);
    const calls = rollout.operations.reduce((sum, each) => sum + each.calls, 0);
    const durationMs = calls * 5;
    expect(() => expectBearableRollout(scenario, { ...rollout, durationMs })).toThrow(
      /makes 200 calls a second to the clouds; one machine takes 150/,
    );
  });
});
