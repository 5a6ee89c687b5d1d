// Room at the vendors: what a hard quota has refused, by what it counts, and who may begin all the same. Such a quota stays
// used up until somebody raises it, so that a company that needs the same is not begun any more. One for each provisioner.

import type { JournalEntry } from '../ports.ts';
import type { Placed } from './admission.ts';
import type { Step, StepKind } from './plan.ts';

/** What a step needs room for, and where: a vendor counts by project, region, zone, cluster or index. */
export type Want = { readonly step: StepKind; readonly scope: string };

/** The quota, by the vendor's name for it, that has no room for such a step there. */
export type Full = Want & { readonly quota: string };

/** In the journal: of one company, or of all. */
export const entryOf = (
  event: 'full' | 'noRoom' | 'roomAgain',
  company: number,
  { step, scope, quota }: Full,
  atMs: number,
): JournalEntry => ({ company, step, event, atMs, id: scope, reason: quota });

export const fullOf = ({ step, id = '', reason = '' }: JournalEntry): Full => ({
  step: step as StepKind,
  scope: id,
  quota: reason,
});

export const fullText = ({ step, scope, quota }: Full): string =>
  `${step}: no room in ${scope}, the quota ${quota} is used up`;

/** By what the vendor of a step's resource counts it; undefined where nobody limits their number. */
export function scopeOfStep(kind: StepKind, { company: { region }, place }: Placed): string | undefined {
  const { zone, googleProject, atlasProject, atlasCluster, pineconeHost } = place;
  switch (kind) {
    case 'secret':
    case 'secretVersion':
    case 'document':
      return googleProject;
    case 'cryptoKey':
    case 'service':
      return `${region} of ${googleProject}`;
    case 'databaseRole':
    case 'databaseUser':
      return `Atlas project ${atlasProject}`;
    case 'databaseIndex':
      return `${atlasCluster} of Atlas project ${atlasProject}`;
    case 'namespace':
      return pineconeHost;
    case 'dnsRecord':
    case 'certificate':
      return zone.domain;
    default:
      return undefined;
  }
}

export function wantsOf(steps: readonly Step[], placed: Placed): Want[] {
  const kinds = new Set(steps.map(({ kind }) => kind));
  return [...kinds].flatMap(step => {
    const scope = scopeOfStep(step, placed);
    return scope === undefined ? [] : [{ step, scope }];
  });
}

type Mark = {
  readonly full: Full;
  /** How many may begin all the same: as many as have given up what they had, or the one that shows how it stands. */
  turns: number;
  /** It was full before this process began, and may have been raised since. */
  isDoubtful: boolean;
  /** Companies that have taken a turn, and have not come to the step yet. */
  readonly trying: Set<number>;
};

const keyOf = ({ step, scope }: Want): string => `${step} ${scope}`;

export class Room {
  private readonly marks = new Map<string, Mark>();
  /** Found to be raised by this process; what it reads of them in the journal may be older. */
  private readonly raised = new Set<string>();

  /** `standing`: what was full when this process began. One company shows for each whether it still is. */
  constructor(standing: Iterable<Full>) {
    for (const full of standing)
      this.marks.set(keyOf(full), { full, turns: 1, isDoubtful: true, trying: new Set() });
  }

  /** Takes over what others have found full since this process began. */
  learn(standing: Iterable<Full>): void {
    for (const full of standing)
      if (!this.marks.has(keyOf(full)) && !this.raised.has(keyOf(full))) this.mark(full);
  }

  /** So long after that somebody may have raised any of them: one company shows for each. */
  doubt(): void {
    for (const mark of this.marks.values()) {
      if (mark.turns === 0) mark.turns = 1;
      mark.isDoubtful = true;
    }
  }

  /** Whether a company may begin, what there is no room for, or `later`: another one is about to show it. */
  ask(wants: readonly Want[]): 'begin' | 'later' | Full {
    const closed = this.marksOf(wants).filter(({ turns }) => turns === 0);
    const sure = closed.find(({ isDoubtful }) => !isDoubtful);
    if (sure !== undefined) return sure.full;
    return closed.length === 0 ? 'begin' : 'later';
  }

  /** Of a company that may: it takes its turn where there is a mark. */
  begin(index: number, wants: readonly Want[]): void {
    for (const mark of this.marksOf(wants)) {
      mark.turns--;
      mark.trying.add(index);
    }
  }

  /** Notes a refusal. True when it is news to all. */
  refused(index: number, full: Full): boolean {
    const mark = this.marks.get(keyOf(full));
    if (mark === undefined) {
      this.mark(full);
      return true;
    }
    // Another one may have been refused before there was room again.
    if (mark.trying.delete(index)) mark.isDoubtful = false;
    return false;
  }

  /** Notes that a step was made. Says what is full no more, when that is news to all. */
  made(index: number, want: Want): Full | undefined {
    const mark = this.marks.get(keyOf(want));
    if (!mark?.trying.delete(index) || !mark.isDoubtful) return undefined;
    this.marks.delete(keyOf(want));
    this.raised.add(keyOf(want));
    return mark.full;
  }

  /** A company has given up what it had: there is room for one. */
  freed(want: Want): void {
    const mark = this.marks.get(keyOf(want));
    if (mark !== undefined) mark.turns++;
  }

  /** The company's work here is over; a turn that it did not come to use is another's. */
  ended(index: number): void {
    for (const mark of this.marks.values()) if (mark.trying.delete(index)) mark.turns++;
  }

  private mark(full: Full): void {
    this.raised.delete(keyOf(full));
    this.marks.set(keyOf(full), { full, turns: 0, isDoubtful: false, trying: new Set() });
  }

  private marksOf(wants: readonly Want[]): Mark[] {
    return this.marks.size === 0 ? [] : wants.flatMap(want => this.marks.get(keyOf(want)) ?? []);
  }
}
