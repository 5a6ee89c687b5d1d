// One change of one company, from its first step to its end. As in provisioning, every step's intent is in the journal
// before its effect and its confirmation after it, so that a crash at any point can be taken up again.

import type { JournalEntry, Log } from '../ports.ts';
import type { Placed, Verb } from '../provisioning/admission.ts';
import { type Company, type Platform, placeOf } from '../provisioning/company.ts';
import type { Step } from '../provisioning/plan.ts';
import { apply, type CompanyProgress, type StepProgress } from '../provisioning/progress.ts';
import { makeStep, type StepContext, type StepPorts, unmakeStep } from '../provisioning/step.ts';
import { StepWaits } from '../provisioning/timeline.ts';
import type { Verbs } from '../provisioning/verbs.ts';
import { type Change, nameOf } from './change.ts';
import { type ChangeStep, changePlanOf } from './changePlan.ts';
import { type History, note } from './history.ts';

export type CarryOutPorts = StepPorts & {
  /** Rejects when another process has taken the company over. */
  readonly append: (entries: readonly JournalEntry[]) => Promise<void>;
  /** Rejects when this process may not act for the company any more. */
  readonly hold: () => Promise<void>;
  readonly platform: Platform;
  readonly log: Log;
  /** `idOf`: what the company's steps gave, the latest of each. */
  readonly verbsOf: (company: Company, step: Step, idOf: (stepId: string) => string) => Verbs;
  readonly generation: number;
};

/** What the journal knows of the company. Both are kept up to date while the change goes on. */
export type Known = { readonly progress: CompanyProgress; readonly history: History };

export type ChangeEnded = {
  /**
   * done: as asked, or as it was already. refused: nothing was done. failed: a step could not be done; what was done
   * before it stands, and asking again goes on.
   */
  readonly state: 'done' | 'refused' | 'failed';
  readonly reason: string;
  readonly finishedAtMs: number;
};

/** Steps of a change in the keys of its calls: behind those of provisioning and of checks, a thousand for each change. */
const PLACES_PER_CHANGE = 1000;

/** `company`: as it shall be. `whole`: its plan of provisioning. */
export function carryOut(
  ports: CarryOutPorts,
  company: Company,
  change: Change,
  whole: readonly Step[],
  known: Known,
): Promise<ChangeEnded> {
  return new CarryingOut(ports, company, change, whole, known).run();
}

class CarryingOut {
  private readonly ports: CarryOutPorts;
  private readonly company: Company;
  private readonly change: Change;
  private readonly plan: readonly ChangeStep[];
  private readonly known: Known;
  private readonly placed: Placed;
  /** Confirmations that travel with the next intent: losing one only makes its step look again. */
  private unwritten: JournalEntry[] = [];

  constructor(ports: CarryOutPorts, company: Company, change: Change, whole: readonly Step[], known: Known) {
    this.ports = ports;
    this.company = company;
    this.change = change;
    this.plan = changePlanOf(change, whole);
    this.known = known;
    this.placed = { company, place: placeOf(company, ports.platform) };
  }

  async run(): Promise<ChangeEnded> {
    const { admission } = this.ports;
    const todo = this.plan.filter(one => !this.isOver(one));
    const ahead = [...todo];
    const verb = verbOf(this.change);
    admission.admit(
      todo.map(({ step }) => step),
      this.placed,
      verb,
    );
    try {
      if (this.known.history.change === undefined) {
        this.note('changing', '', { id: nameOf(this.change) });
        await this.write();
      }
      for (let one = ahead.shift(); one !== undefined; one = ahead.shift()) {
        const failure = await this.take(one);
        if (failure !== undefined) return this.fail(failure);
      }
      return this.end();
    } finally {
      for (const { step } of ahead) admission.release(step, false, this.placed, verb);
    }
  }

  /** Does one step. Undefined once it is done; otherwise why it cannot be. */
  private async take(one: ChangeStep): Promise<string | undefined> {
    let asked = false;
    const work = one.does === 'make' ? this.make(one.step, () => (asked = true)) : this.unmake(one.step);
    return work.finally(() =>
      this.ports.admission.release(one.step, asked, this.placed, verbOf(this.change)),
    );
  }

  private async make(step: Step, asked: () => void): Promise<string | undefined> {
    const made = await makeStep(this.ports, this.context(step, this.changed(step), asked));
    if (made.kind === 'failed') return `${step.id}: ${made.reason}`;
    this.note('done', step.id, { id: made.id });
    return undefined;
  }

  private async unmake(step: Step): Promise<string | undefined> {
    const before = this.known.progress.steps.get(step.id);
    if (before !== undefined) {
      const left = await unmakeStep(
        this.ports,
        this.context(step, before, () => {}),
      );
      if (left !== undefined) return `${step.id} could not be removed: ${left}`;
    }
    this.note('removed', step.id);
    await this.write();
    return undefined;
  }

  private isOver({ does, step }: ChangeStep): boolean {
    if (does === 'make') return this.changed(step)?.state === 'done';
    // An earlier decommissioning that failed may have removed it.
    return this.known.progress.steps.get(step.id)?.state === 'removed';
  }

  /** What the journal knows of the step within this change. */
  private changed(step: Step): StepProgress | undefined {
    return this.known.history.change?.steps.get(step.id);
  }

  private context(step: Step, before: StepProgress | undefined, asked: () => void): StepContext {
    const { company, ports, known, plan, placed } = this;
    const place = known.history.changes * PLACES_PER_CHANGE + plan.findIndex(one => one.step === step);
    return {
      step,
      verbs: ports.verbsOf(company, step, id => known.progress.steps.get(id)?.id ?? ''),
      key: [company.index, place, ports.generation],
      before,
      asked,
      placed,
      hold: ports.hold,
      waits: new StepWaits(ports.clock),
      intent: (deadlineAtMs, event = 'intent') => {
        this.note(event, step.id, { deadlineAtMs });
        return this.write();
      },
    };
  }

  private end(): Promise<ChangeEnded> {
    this.note(this.change.kind === 'decommissioning' ? 'decommissioned' : 'changed', '');
    return this.close('done', '');
  }

  private fail(reason: string): Promise<ChangeEnded> {
    this.note('failed', '', { reason });
    return this.close('failed', reason);
  }

  private async close(state: ChangeEnded['state'], reason: string): Promise<ChangeEnded> {
    const finishedAtMs = this.unwritten.at(-1)!.atMs;
    await this.write();
    const event = `${nameOf(this.change)} ${state}`;
    this.ports.log({ event, company: this.company.id, ...(reason !== '' && { reason }) });
    return { state, reason, finishedAtMs };
  }

  private note(
    event: JournalEntry['event'],
    step: string,
    more: { readonly id?: string; readonly reason?: string; readonly deadlineAtMs?: number } = {},
  ): void {
    const { company, ports, known } = this;
    const entry: JournalEntry = { company: company.index, step, event, atMs: ports.clock.nowMs(), ...more };
    apply(known.progress, entry);
    note(known.history, entry);
    this.unwritten.push(entry);
  }

  private write(): Promise<void> {
    const entries = this.unwritten;
    this.unwritten = [];
    return this.ports.append(entries);
  }
}

/** What the calls of the change's steps do, for whoever reckons with their slots. */
export const verbOf = ({ kind }: Change): Verb => (kind === 'decommissioning' ? 'remove' : 'create');
