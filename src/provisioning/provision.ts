// One company from its first call to healthy and registered, or back to nothing. Every step's intent is in the journal
// before its effect and its confirmation after it, so that a crash at any point can be taken up again.

import type { JournalEntry, Log } from '../ports.ts';
import type { Company, Platform } from './company.ts';
import { planOf, type Step } from './plan.ts';
import type { CompanyProgress, StepProgress } from './progress.ts';
import { makeStep, type StepContext, type StepPorts, unmakeStep } from './step.ts';
import type { Verbs } from './verbs.ts';

export type ProvisionPorts = StepPorts & {
  readonly append: (entries: readonly JournalEntry[]) => Promise<void>;
  readonly log: Log;
  /** The client of one step's resource. `idOf`: what earlier steps of the company gave. */
  readonly verbsOf: (company: Company, step: Step, idOf: (stepId: string) => string) => Verbs;
  readonly databaseOperationsPerCompany: number;
  readonly templates: Platform['templates'];
  readonly generation: number;
  /** Told how long each step took, for the report. */
  readonly tookMs: (step: Step, ms: number) => void;
};

export type Ended = {
  readonly state: 'ready' | 'undone' | 'blocked';
  readonly finishedAtMs: number;
  readonly reason: string;
};

/** Provisions a company, or takes up what an earlier process left. The company has been admitted. */
export function provision(
  ports: ProvisionPorts,
  company: Company,
  progress: CompanyProgress | undefined,
): Promise<Ended> {
  return new Provisioning(ports, company, progress).run();
}

class Provisioning {
  private readonly ports: ProvisionPorts;
  private readonly company: Company;
  private readonly progress: CompanyProgress | undefined;
  private readonly plan: Step[];
  /** By step id: what the journal and this process know. */
  private readonly known = new Map<string, StepProgress>();
  /** Confirmations that travel with the next intent: losing one only makes its step look again. */
  private unwritten: JournalEntry[] = [];

  constructor(ports: ProvisionPorts, company: Company, progress: CompanyProgress | undefined) {
    this.ports = ports;
    this.company = company;
    this.progress = progress;
    const { secrets } = ports.templates[company.industry];
    this.plan = planOf(company, ports.databaseOperationsPerCompany, secrets);
    for (const [id, step] of progress?.steps ?? []) this.known.set(id, step);
  }

  async run(): Promise<Ended> {
    if (this.progress?.state === 'undoing') return this.undo(this.progress.reason);
    if (this.progress === undefined) this.note('admitted', '');
    const todo = this.plan.filter(step => this.known.get(step.id)?.state !== 'done');
    this.ports.admission.admit(todo);
    const reason = await this.make(todo);
    return reason === undefined ? this.end('ready', '') : this.undo(reason);
  }

  /** Makes the steps in order. Undefined when all are done; otherwise why the company cannot be completed. */
  private async make(todo: readonly Step[]): Promise<string | undefined> {
    const { admission, clock, tookMs } = this.ports;
    let failure: string | undefined;
    for (const step of todo) {
      if (failure !== undefined) {
        admission.release(step, false);
        continue;
      }
      let asked = false;
      const beganAtMs = clock.nowMs();
      const made = await makeStep(
        this.ports,
        this.context(step, () => (asked = true)),
      );
      admission.release(step, asked);
      if (made.kind === 'failed') {
        failure = `${step.id}: ${made.reason}`;
      } else {
        tookMs(step, clock.nowMs() - beganAtMs);
        this.know(step, { state: 'done', deadlineAtMs: 0, id: made.id });
        this.note('done', step.id, { id: made.id });
      }
    }
    return failure;
  }

  /** Walks the plan backwards. A company of which something cannot be removed is blocked and named. */
  private async undo(reason: string): Promise<Ended> {
    if (this.progress?.state !== 'undoing') {
      this.note('undoing', '', { reason });
      await this.write();
    }
    for (const step of this.plan.toReversed()) {
      const known = this.known.get(step.id);
      if (known === undefined || known.state === 'removed') continue;
      const left = await unmakeStep(
        this.ports,
        this.context(step, () => {}),
      );
      if (left !== undefined)
        return this.end('blocked', `${reason}; ${step.id} could not be removed: ${left}`);
      this.know(step, { ...known, state: 'removed' });
      this.note('removed', step.id);
      await this.write();
    }
    return this.end('undone', reason);
  }

  private async end(state: Ended['state'], reason: string): Promise<Ended> {
    this.note(state, '', reason === '' ? {} : { reason });
    const finishedAtMs = this.unwritten.at(-1)!.atMs;
    await this.write();
    this.ports.log({ event: `company ${state}`, company: this.company.id, ...(reason !== '' && { reason }) });
    return { state, finishedAtMs, reason };
  }

  private context(step: Step, asked: () => void): StepContext {
    const { company, ports } = this;
    return {
      step,
      verbs: ports.verbsOf(company, step, id => this.known.get(id)?.id ?? ''),
      key: [company.index, this.plan.indexOf(step), ports.generation],
      before: this.known.get(step.id),
      asked,
      intent: deadlineAtMs => {
        this.know(step, { state: 'intent', deadlineAtMs, id: undefined });
        this.note('intent', step.id, { deadlineAtMs });
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
