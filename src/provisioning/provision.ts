// One company from its first call to healthy and registered, or back to nothing. Every step's intent is in the journal
// before its effect and its confirmation after it, so that a crash at any point can be taken up again.

import type { JournalEntry, Log, StepTime } from '../ports.ts';
import type { Placed } from './admission.ts';
import { type Company, type Platform, placeOf } from './company.ts';
import { planOf, type Step } from './plan.ts';
import type { CompanyProgress, StepProgress } from './progress.ts';
import { entryOf, type Full, type Room, scopeOfStep, type Want } from './room.ts';
import { makeStep, type StepContext, type StepPorts, unmakeStep } from './step.ts';
import { rowsIn, type StepRow, StepWaits } from './timeline.ts';
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
  /** One for each company under way: rows of its steps that the journal may not have yet, for the report. */
  readonly unwritten: Set<() => StepRow[]>;
};

export type Ended = {
  readonly state: 'ready' | 'undone' | 'blocked';
  readonly finishedAtMs: number;
  readonly reason: string;
  /** What it found no room for. */
  readonly full: Full | undefined;
};

/** Why a company cannot be completed. `ended`: the step that did so without its effect. */
type Failure = {
  readonly reason: string;
  readonly full?: Full | undefined;
  readonly ended?: { readonly step: string; readonly time: StepTime };
};

/** Provisions a company, or takes up what an earlier process left. The company has been admitted. */
export function provision(
  ports: ProvisionPorts,
  company: Company,
  progress: CompanyProgress | undefined,
): Promise<Ended> {
  const provisioning = new Provisioning(ports, company, progress);
  return provisioning.shown(provisioning.run());
}

/** Takes a company away, one that is ready included. `reason`: why, for the journal. */
export function undo(
  ports: ProvisionPorts,
  company: Company,
  progress: CompanyProgress,
  reason: string,
): Promise<Ended> {
  const provisioning = new Provisioning(ports, company, progress);
  return provisioning.shown(provisioning.undo({ reason }));
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

type More = Omit<JournalEntry, 'company' | 'step' | 'event' | 'atMs'>;

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
  private underWay: { readonly step: Step; readonly waits: StepWaits } | undefined;
  /** What an earlier process had under way: until when the journal has its times. Undefined once a step has ended here. */
  private timedUntilMs: number | undefined;

  constructor(ports: ProvisionPorts, company: Company, progress: CompanyProgress | undefined) {
    this.ports = ports;
    this.company = company;
    this.progress = progress;
    this.plan = stepsOf(ports, company);
    this.placed = { company, place: placeOf(company, ports.platform) };
    for (const [id, step] of progress?.steps ?? []) this.known.set(id, step);
    const isUnderWay = progress?.state === 'admitted' || progress?.state === 'undoing';
    this.timedUntilMs = isUnderWay ? progress.timedUntilMs : undefined;
  }

  /** Lets the report ask for the rows that the journal may not have yet while the work goes on. */
  shown(work: Promise<Ended>): Promise<Ended> {
    const { unwritten } = this.ports;
    const rows = () => this.rows();
    unwritten.add(rows);
    return work.finally(() => unwritten.delete(rows));
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
        const context = this.context(step, this.begin(step), () => (asked = true));
        const made = await makeStep(this.ports, context).finally(() =>
          admission.release(step!, asked, this.placed),
        );
        const time = this.stepEnded();
        if (made.kind === 'failed')
          return {
            reason: `${step.id}: ${made.reason}`,
            full: this.fullOf(step, made.quota),
            ended: { step: step.id, time },
          };
        const deadlineAtMs = this.known.get(step.id)?.deadlineAtMs ?? 0;
        this.know(step, { state: 'done', deadlineAtMs, id: made.id });
        this.note('done', step.id, { id: made.id, time });
        this.noteMade(step);
      }
      return undefined;
    } finally {
      for (const step of ahead) admission.release(step, false, this.placed);
    }
  }

  /** Walks the plan backwards. A company of which something cannot be removed is blocked and named. */
  async undo({ reason, full, ended }: Failure): Promise<Ended> {
    if (this.progress?.state !== 'undoing') {
      this.note('undoing', ended?.step ?? '', { reason, ...(ended && { time: ended.time }) });
      if (full !== undefined) this.noteFull(full);
      await this.write();
    }
    for (const step of this.plan.toReversed()) {
      const known = this.known.get(step.id);
      if (known === undefined || known.state === 'removed') continue;
      const context = this.context(step, this.begin(step), () => {});
      const left = await unmakeStep(this.ports, context);
      // What cannot be removed takes no time, and is no row of the timeline.
      const timed = context.verbs.remove && { time: this.stepEnded() };
      if (left !== undefined)
        return this.end(
          'blocked',
          { reason: `${reason}; ${step.id} could not be removed: ${left}`, full },
          step.id,
          timed,
        );
      this.know(step, { ...known, state: 'removed' });
      const want = this.wantOf(step);
      if (known.state === 'done' && want !== undefined) this.ports.room.freed(want);
      this.note('removed', step.id, timed);
      await this.write();
    }
    return this.end('undone', { reason, full });
  }

  /** `step`: the one that could not be removed. */
  private async end(
    state: Ended['state'],
    { reason, full }: Failure,
    step = '',
    timed: More = {},
  ): Promise<Ended> {
    this.note(state, step, reason === '' ? timed : { ...timed, reason });
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

  private begin(step: Step): StepWaits {
    const waits = new StepWaits(this.ports.clock, this.timedUntilMs);
    this.underWay = { step, waits };
    return waits;
  }

  /** What the time of the step under way went to; it is noted at once. */
  private stepEnded(): StepTime {
    const time = this.underWay!.waits.time();
    this.underWay = undefined;
    this.timedUntilMs = undefined;
    return time;
  }

  private rows(): StepRow[] {
    const rows = this.unwritten.flatMap(rowsIn);
    if (this.underWay === undefined) return rows;
    const { step, waits } = this.underWay;
    const endedAtMs = this.ports.clock.nowMs();
    return [
      ...rows,
      { company: this.company.index, step: step.id, ending: 'underWay', endedAtMs, time: waits.time() },
    ];
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

  private note(event: JournalEntry['event'], step: string, more: More = {}): void {
    this.unwritten.push({
      company: this.company.index,
      step,
      event,
      atMs: this.ports.clock.nowMs(),
      ...more,
    });
  }

  /** Nothing is noted meanwhile. */
  private async write(): Promise<void> {
    await this.ports.append(this.unwritten);
    this.unwritten = [];
  }
}
