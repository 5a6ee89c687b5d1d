// The gate after a wave. One of the provisioners, under a lease, waits out the dwell, reads the wave and writes what it
// decides into the journal; the others learn of it there.

import { CALL_DEADLINE_MS, GATE_HEALTH_CONCURRENCY, LOOK_AT_OTHERS_MS } from '../limits.ts';
import type { Company } from './company.ts';
import { Held, Superseded } from './lease.ts';
import { lacksRoom, progressOf, type WaveProgress } from './progress.ts';
import { stepsOf, undo } from './provision.ts';
import type { Rollout } from './rollout.ts';
import { UnderWay } from './underWay.ts';
import { batchesOf, failureOf, nameOfWave, readingOf, type Wave, type WaveState } from './waves.ts';

export type GateWork = {
  /** From 0. */
  readonly number: number;
  readonly wave: Wave;
  readonly companies: readonly Company[];
  /** What is decided is written here. */
  readonly state: WaveState;
};

/** Looks of one health check before a company counts as unhealthy: one may meet a cold start. */
const HEALTH_LOOKS = 3;

/** Waits for the wave's gate and its decision, and carries a roll-back out. */
export async function passGate(rollout: Rollout, work: GateWork): Promise<void> {
  const { clock } = rollout.ports;
  const name = nameOf(work);
  const opensAtMs = work.state.endedAtMs + work.wave.dwellMs;
  // A decision that stands makes the dwell a thing of the past.
  if (!isFinal(await decisionOf(rollout, name))) await sleepUntil(clock, opensAtMs);
  for (;;) {
    const held = await Held.take(rollout.ports, `gate of ${name}`, rollout.options.holder);
    if (held !== undefined) {
      const batches = await holdBatches(rollout, work);
      try {
        if (batches !== undefined) await decide(rollout, work, held);
      } catch (error) {
        // Whoever took it over decides.
        if (!(error instanceof Superseded)) throw error;
      } finally {
        for (const batch of batches ?? []) await batch.end();
        await held.end();
      }
    }
    const decision = await decisionOf(rollout, name);
    if (decision !== undefined) return note(rollout, work, decision);
    await clock.sleep(LOOK_AT_OTHERS_MS);
  }
}

const nameOf = ({ number }: GateWork): string => nameOfWave(number);

/**
 * Whoever begins a company anew, since there may be room for it again, holds its batch: so nobody can while the gate
 * decides on a wave that has such companies. Undefined while somebody does.
 */
async function holdBatches(rollout: Rollout, { companies }: GateWork): Promise<Held[] | undefined> {
  const { ports, options, state } = rollout;
  if (!companies.some(({ index }) => lacksRoom(state.companies.get(index)!))) return [];
  const held: Held[] = [];
  for (const { name } of batchesOf(companies, options.batchSize)) {
    const batch = await Held.take(ports, name, options.holder);
    if (batch === undefined) {
      for (const each of held) await each.end();
      return undefined;
    }
    held.push(batch);
  }
  await rollout.lookAgain(companies);
  return held;
}

const isFinal = (decision: WaveProgress | undefined): boolean =>
  decision !== undefined && decision.event !== 'paused';

async function decisionOf({ ports }: Rollout, name: string): Promise<WaveProgress | undefined> {
  return progressOf(await ports.journal.read({ from: -1, to: 0 })).waves.get(name);
}

/** Of one that is paused, what the user decided since; of one without a decision, what the wave shows. */
async function decide(rollout: Rollout, work: GateWork, held: Held): Promise<void> {
  const { options, ports, before } = rollout;
  const name = nameOf(work);
  const decision = await decisionOf(rollout, name);
  const write = (event: WaveProgress['event'], reason = '') =>
    held.append([{ company: -1, step: name, event, atMs: ports.clock.nowMs(), reason }]);
  if (decision !== undefined) {
    // A pause of this run waits for the next one to hear what is to become of it.
    if (decision.event !== 'paused' || before.waves.get(name)?.event !== 'paused') return;
    if (options.afterPause === 'resume') await write('resumed', decision.reason);
    if (options.afterPause === 'rollBack') {
      await rollBack(rollout, work, held, decision.reason);
      await write('rolledBack', decision.reason);
    }
    return;
  }
  const healthy = await healthyOf(rollout, work.companies, held);
  const ended = work.companies.map(({ index }) => rollout.state.companies.get(index)!);
  work.state.reading = readingOf(ended, healthy);
  const failure = failureOf(work.state.reading, options.gate);
  if (failure === undefined) return write('passed');
  if (options.gate.onFailure === 'pause') return write('paused', failure);
  await rollBack(rollout, work, held, failure);
  return write('rolledBack', failure);
}

async function note(rollout: Rollout, work: GateWork, { event, reason, atMs }: WaveProgress): Promise<void> {
  const { state, ports } = rollout;
  Object.assign(work.state, { outcome: event, reason, decidedAtMs: atMs });
  if (event === 'rolledBack')
    for (const [index, progress] of await rollout.progressIn(work.companies))
      state.companies.set(index, progress);
  ports.log({ event: `${nameOf(work)} ${event}`, ...(reason !== '' && { reason }) });
}

/** How many of the companies that are ready answer as healthy now. */
async function healthyOf(rollout: Rollout, companies: readonly Company[], held: Held): Promise<number> {
  const { ports, state } = rollout;
  const { clock } = ports;
  const own = rollout.portsUnder(held);
  const asking = new UnderWay(GATE_HEALTH_CONCURRENCY);
  let healthy = 0;
  const ask = async (company: Company) => {
    const steps = stepsOf(own, company);
    const step = steps.findIndex(({ kind }) => kind === 'health');
    const { find } = own.verbsOf(company, steps[step], () => '');
    for (let look = 0; look < HEALTH_LOOKS; look++) {
      const deadlineAtMs = clock.nowMs() + CALL_DEADLINE_MS;
      const key = [company.index, step, own.generation, GATE_VERB, look];
      const result = await find({ key, deadlineAtMs }, undefined);
      if (result.kind === 'done') healthy++;
      if (result.kind === 'done' || result.kind === 'rejected') return;
    }
  };
  for (const company of companies) {
    if (state.companies.get(company.index)?.state !== 'ready') continue;
    await asking.room();
    asking.add(ask(company));
  }
  await asking.allEnded();
  return healthy;
}

/** In the place of a step's verb, in the keys of a gate's looks: a number that no verb has. */
const GATE_VERB = 4;

/** Takes away the wave's companies that are ready; the others hold nothing, or are blocked and stay so. */
async function rollBack(
  rollout: Rollout,
  { companies, number }: GateWork,
  held: Held,
  reason: string,
): Promise<void> {
  const ports = rollout.portsUnder(held);
  const { underWay } = rollout;
  const why = `wave ${number + 1} was rolled back: ${reason}`;
  const known = await rollout.progressIn(companies);
  for (const company of companies) {
    const progress = known.get(company.index);
    if (progress?.state !== 'ready' && progress?.state !== 'undoing') continue;
    await underWay.room();
    underWay.add(undo(ports, company, progress, why).then(() => {}));
  }
  await underWay.allEnded();
}

async function sleepUntil(clock: Rollout['ports']['clock'], atMs: number): Promise<void> {
  const waitMs = atMs - clock.nowMs();
  if (waitMs > 0) await clock.sleep(waitMs);
}
