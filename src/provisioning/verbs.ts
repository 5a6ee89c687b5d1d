// What the provisioner asks of a cloud and what it hears back, in its own terms. One `Verbs` stands for one resource
// of one company; the thin clients in `src/providers/` make them.

/**
 * done: it exists, is ours and is ready (`id`: what the next step or the registry needs; never a secret).
 * pending: it exists, is ours and is not ready yet (`id`: what to ask by). broken: it exists, is ours and will not get
 * ready: taken away, it may be made again. absent: nothing has that name.
 * exists: the name is taken, perhaps by us. throttled: no effect; a quota said when to come back.
 * transient: certainly no effect, try again. unknown: it may have had its effect, or may yet.
 * rejected: no effect, and trying again will not help (`quota`: until somebody raises that one).
 */
export type CloudResult =
  | { readonly kind: 'done'; readonly id: string }
  | { readonly kind: 'pending'; readonly id: string }
  | { readonly kind: 'broken'; readonly reason: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'exists' }
  | { readonly kind: 'throttled'; readonly quota: string; readonly retryAfterMs: number }
  | { readonly kind: 'transient'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly reason: string; readonly quota?: string };

/** Names one attempt: `key` names the call in every run, `deadlineAtMs` ends the wait for its answer. */
export type Attempt = { readonly key: readonly number[]; readonly deadlineAtMs: number };

export type Verbs = {
  /** The cloud does not refuse a second one: a call in doubt must have run out before it may be made again. */
  readonly nameless?: true;
  /** Absent for a step that only looks (propagation, health). */
  readonly create?: (attempt: Attempt) => Promise<CloudResult>;
  /** Asks by the deterministic name, or by the `id` that `create` or an earlier `find` gave. */
  readonly find: (attempt: Attempt, id: string | undefined) => Promise<CloudResult>;
  /** `done` once it is gone, `pending` while it goes, `absent` when it was not there. Absent: nothing to undo. */
  readonly remove?: (attempt: Attempt, id: string | undefined) => Promise<CloudResult>;
};
