// One company from its first call to healthy and registered, or back to nothing. Every step's intent is in the journal
// before its effect and its confirmation after it, so that a crash at any point can be taken up again.

import type { JournalEntry, Log } from '../ports.ts';
import type { Placed } from './admission.ts';
import { type Company, type Platform, placeOf } from './company.ts';
import { planOf, type Step } from './plan.ts';
import type { CompanyProgress, StepProgress } from './progress.ts';
import { entryOf, type Full, type Room, scopeOfStep, type Want } from './room.ts';
import { makeStep, type StepContext, type StepPorts, unmakeStep } from './step.ts';
import { type StepEnding, type StepTimeline, StepWaits } from './timeline.ts';
import type { Verbs } from './verbs.ts';

export type ProvisionPorts = StepPorts & {
  /** Rejects when another provisioner has taken the company over. */
  readonly append: (entries: readonly JournalEntry[]) => Promise<void>;
  /** Rejects when this provisioner may not act for the company any more. */
  readonly hold: () => Promise<void>;
  readonly platform: Platform;
  readonly log: Log;
  /** The client of one step's resource. `idOf`: what earlier steps of the company gave. */
  readonly verbsOf: (company: Company, step: Step, idOf: (stepId: string) => string) => Verbs;
  readonly databaseOperationsPerCompany: number;
  readonly generation: number;
  /** Told what there was no room for, and what was given up. */
  readonly room: Room;
  /** Told what the time of each step went to, for the report. */
  readonly timeline: StepTimeline;
};

export type Ended = {
  readonly state: 'ready' | 'undone' | 'blocked';
  readonly finishedAtMs: number;
  readonly reason: string;
  /** What it found no room for. */
  readonly full: Full | undefined;
};

/** Why a company cannot be completed. */
type Failure = { readonly reason: string; readonly full?: Full | undefined };

/** Provisions a company, or takes up what an earlier process left. The company has been admitted. */
export function provision(
  ports: ProvisionPorts,
  company: Company,
  progress: CompanyProgress | undefined,
): Promise<Ended> {
  return new Provisioning(ports, company, progress).run();
}

/** Takes a company away, one that is ready included. `reason`: why, for the journal. */
export function undo(
  ports: ProvisionPorts,
  company: Company,
  progress: CompanyProgress,
  reason: string,
): Promise<Ended> {
  return new Provisioning(ports, company, progress).undo({ reason });
}

/** What a company is to consist of, in order. */
export const stepsOf = (
  {
    databaseOperationsPerCompany,
    platform,
  }: Pick<ProvisionPorts, 'databaseOperationsPerCompany' | 'platform'>,
  company: Company,
): Step[] =>
  planOf(company, databaseOperationsPerCompany, platform.dns, platform.templates[company.industry].secrets);

/** In the journal, in the place of a company: what concerns all of them. */
const ROLLOUT = -1;

class Provisioning {
  private readonly ports: ProvisionPorts;
  private readonly company: Company;
  private readonly progress: CompanyProgress | undefined;
  private readonly plan: Step[];
  private readonly placed: Placed;
  /** By step id: what the journal and this process know. */
  private readonly known = new Map<string, StepProgress>();
  /** Confirmations that travel with the next intent: losing one only makes its step look again. */
  private unwritten: JournalEntry[] = [];

  constructor(ports: ProvisionPorts, company: Company, progress: CompanyProgress | undefined) {
    this.ports = ports;
    this.company = company;
    this.progress = progress;
    this.plan = stepsOf(ports, company);
    this.placed = { company, place: placeOf(company, ports.platform) };
    for (const [id, step] of progress?.steps ?? []) this.known.set(id, step);
  }

  async run(): Promise<Ended> {
    if (this.progress?.state === 'undoing') return this.undo(this.progress);
    if (this.progress === undefined) this.note('admitted', '');
    const todo = this.plan.filter(step => this.known.get(step.id)?.state !== 'done');
    this.ports.admission.admit(todo, this.placed);
    const failure = await this.make(todo);
    return failure === undefined ? this.end('ready', { reason: '' }) : this.undo(failure);
  }

  /** Makes the steps in order. Undefined when all are done; otherwise why the company cannot be completed. */
  private async make(todo: readonly Step[]): Promise<Failure | undefined> {
    const { admission } = this.ports;
    const ahead = [...todo];
    try {
      for (let step = ahead.shift(); step !== undefined; step = ahead.shift()) {
        let asked = false;
        const time = this.timed(step);
        const context = this.context(step, time.waits, () => (asked = true));
        const made = await makeStep(this.ports, context).finally(() =>
          admission.release(step!, asked, this.placed),
        );
        time.end(made.kind === 'failed' ? 'failed' : 'made');
        if (made.kind === 'failed')
          return { reason: `${step.id}: ${made.reason}`, full: this.fullOf(step, made.quota) };
        const deadlineAtMs = this.known.get(step.id)?.deadlineAtMs ?? 0;
        this.know(step, { state: 'done', deadlineAtMs, id: made.id });
        this.note('done', step.id, { id: made.id });
        this.noteMade(step);
      }
      return undefined;
    } finally {
      for (const step of ahead) admission.release(step, false, this.placed);
    }
  }

  /** Walks the plan backwards. A company of which something cannot be removed is blocked and named. */
  async undo({ reason, full }: Failure): Promise<Ended> {
    if (this.progress?.state !== 'undoing') {
      this.note('undoing', '', { reason });
      if (full !== undefined) this.noteFull(full);
      await this.write();
    }
    for (const step of this.plan.toReversed()) {
      const known = this.known.get(step.id);
      if (known === undefined || known.state === 'removed') continue;
      const time = this.timed(step);
      const context = this.context(step, time.waits, () => {});
      const left = await unmakeStep(this.ports, context);
      if (context.verbs.remove !== undefined) time.end(left === undefined ? 'removed' : 'left');
      if (left !== undefined)
        return this.end('blocked', { reason: `${reason}; ${step.id} could not be removed: ${left}`, full });
      this.know(step, { ...known, state: 'removed' });
      const want = this.wantOf(step);
      if (known.state === 'done' && want !== undefined) this.ports.room.freed(want);
      this.note('removed', step.id);
      await this.write();
    }
    return this.end('undone', { reason, full });
  }

  private async end(state: Ended['state'], { reason, full }: Failure): Promise<Ended> {
    this.note(state, '', reason === '' ? {} : { reason });
    const finishedAtMs = this.unwritten.at(-1)!.atMs;
    await this.write();
    this.ports.log({ event: `company ${state}`, company: this.company.id, ...(reason !== '' && { reason }) });
    return { state, finishedAtMs, reason, full };
  }

  private wantOf({ kind }: Step): Want | undefined {
    const scope = scopeOfStep(kind, this.placed);
    return scope === undefined ? undefined : { step: kind, scope };
  }

  private fullOf(step: Step, quota: string | undefined): Full | undefined {
    const want = this.wantOf(step);
    return want === undefined || quota === undefined ? undefined : { ...want, quota };
  }

  /** With the entry that the company is being undone, so that none of the two is ever without the other. */
  private noteFull(full: Full): void {
    const { index } = this.company;
    this.unwritten.push(entryOf('full', index, full, this.ports.clock.nowMs()));
    if (this.ports.room.refused(index, full))
      this.unwritten.push(entryOf('full', ROLLOUT, full, this.ports.clock.nowMs()));
  }

  private noteMade(step: Step): void {
    const want = this.wantOf(step);
    const raised = want && this.ports.room.made(this.company.index, want);
    if (raised !== undefined)
      this.unwritten.push(entryOf('roomAgain', ROLLOUT, raised, this.ports.clock.nowMs()));
  }

  /** Begins a step; its end goes into the timeline. */
  private timed(step: Step): { readonly waits: StepWaits; readonly end: (ending: StepEnding) => void } {
    const { clock, timeline } = this.ports;
    const beganAtMs = clock.nowMs();
    const waits = new StepWaits(clock);
    const end = (ending: StepEnding) =>
      timeline.ended(this.company, step, { ending, beganAtMs, endedAtMs: clock.nowMs(), waits });
    return { waits, end };
  }

  private context(step: Step, waits: StepWaits, asked: () => void): StepContext {
    const { company, ports } = this;
    return {
      step,
      placed: this.placed,
      hold: ports.hold,
      verbs: ports.verbsOf(company, step, id => this.known.get(id)?.id ?? ''),
      key: [company.index, this.plan.indexOf(step), ports.generation],
      before: this.known.get(step.id),
      asked,
      waits,
      intent: (deadlineAtMs, event = 'intent') => {
        this.know(step, { state: event, deadlineAtMs, id: undefined });
        this.note(event, step.id, { deadlineAtMs });
        return this.write();
      },
    };
  }

  private know(step: Step, progress: StepProgress): void {
    this.known.set(step.id, progress);
  }

  private note(
    event: JournalEntry['event'],
    step: string,
    more: { readonly id?: string; readonly reason?: string; readonly deadlineAtMs?: number } = {},
  ): void {
    this.unwritten.push({
      company: this.company.index,
      step,
      event,
      atMs: this.ports.clock.nowMs(),
      ...more,
    });
  }

  private write(): Promise<void> {
    const entries = this.unwritten;
    this.unwritten = [];
    return this.ports.append(entries);
  }
}
