// The discrete-event kernel. It runs events in the order of (time, sequence) and real async code between them.
//
//   pop an event ─► pure: run it, go on            (it may schedule events and change plain state, nothing else)
//                └► entering: run it, then drain   (it starts or resumes async code: every microtask runs first)
//
// Time is milliseconds as a double. How a drain works: drain.ts.

import { SandtableError } from '../src/errors.ts';
import { createDrain } from './drain.ts';
import { EventQueue } from './eventQueue.ts';

/** Names a registered handler. */
export type Handler = number;

export type KernelOptions = {
  /** Where virtual time begins. */
  readonly startMs: number;
  /** Work that has not ended by then is an error. */
  readonly deadlineMs: number;
  /** Runs pure events as entering ones: slower, and the results must not change. */
  readonly everyEventEntering: boolean;
  /** Asked every 4,096 events; true stops the run. */
  readonly poll?: (events: number, nowMs: number) => boolean;
  /** Told of each event before it runs: for tests that crash a process between two events. */
  readonly beforeEvent?: (events: number) => void;
};

/** 2026-01-01T00:00:00Z: where virtual time begins, so that timestamps look like timestamps. */
export const VIRTUAL_START_MS = 1_767_225_600_000;

const POLL_EVERY = 4096;
const PARKED_NAMED_MAX = 10;

const ENTERING = 1;
const DAEMON = 2;

export class Kernel {
  nowMs: number;
  events = 0;
  private readonly options: KernelOptions;
  private readonly queue = new EventQueue();
  private readonly handlers: ((argument: number) => void)[] = [];
  private readonly flags: number[] = [];
  private daemonsPending = 0;
  /** By slot. */
  private readonly resumers: ((() => void) | undefined)[] = [];
  private readonly resumeHandler: Handler;
  private readonly parked: (() => Iterable<string>)[] = [];
  private work: 'none' | 'running' | 'ended' = 'none';
  private drain = () => {};
  /** Set while a run is under way; `end` takes it down. */
  private end: ((outcome: boolean | { error: unknown }) => void) | undefined;

  constructor(options: KernelOptions) {
    this.options = options;
    this.nowMs = options.startMs;
    this.resumeHandler = this.entering(slot => {
      const resume = this.resumers[slot]!;
      this.resumers[slot] = undefined;
      resume();
    });
  }

  /** Registers code that calls no async code. */
  pure(handler: (argument: number) => void): Handler {
    return this.register(handler, this.options.everyEventEntering ? ENTERING : 0);
  }

  /** Registers code that starts or resumes async code. */
  entering(handler: (argument: number) => void): Handler {
    return this.register(handler, ENTERING);
  }

  /** Registers periodic code: a run in which only daemons are left has nothing more to do. */
  daemon(handler: (argument: number) => void): Handler {
    return this.register(handler, ENTERING | DAEMON);
  }

  /**
   * An event at `atMs`; the past means now. `argument`: a 32-bit integer. Returns the slot that `cancel` takes while the
   * event is pending.
   */
  schedule(atMs: number, handler: Handler, argument = 0): number {
    if (Number.isNaN(atMs)) throw new Error('an event needs a time');
    if ((this.flags[handler] & DAEMON) !== 0) this.daemonsPending++;
    return this.queue.push(Math.max(atMs, this.nowMs), handler, argument);
  }

  cancel(slot: number): void {
    const handler = this.queue.handlerOf[slot];
    if ((this.flags[handler] & DAEMON) !== 0) this.daemonsPending--;
    if (handler === this.resumeHandler) this.resumers[slot] = undefined;
    this.queue.cancel(slot);
  }

  /** Calls `resume` as an entering event at `atMs`. Returns the slot that `cancel` takes while the event is pending. */
  resumeAt(atMs: number, resume: () => void): number {
    const slot = this.schedule(atMs, this.resumeHandler);
    this.queue.argumentOf[slot] = slot;
    this.resumers[slot] = resume;
    return slot;
  }

  /** Who can name the calls that async code waits for is asked when a run cannot go on. */
  nameParked(names: () => Iterable<string>): void {
    this.parked.push(names);
  }

  /**
   * Runs until `main` ends; without it, until no event but daemons is left. Resolves to false when `poll` stopped it.
   * Rejects with what a handler or `main` threw, and with SIMULATION when work is left that no event can carry on
   * (a leak to real I/O, a deadlock) or that is past the deadline; that error names the parked calls.
   */
  run(main?: () => Promise<void>): Promise<boolean> {
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    this.end = outcome => {
      this.end = undefined;
      if (typeof outcome === 'boolean') resolve(outcome);
      else reject(outcome.error);
    };
    this.work = main === undefined ? 'none' : 'running';
    if (main !== undefined)
      this.resumeAt(this.nowMs, () => {
        main().then(
          () => {
            this.work = 'ended';
          },
          error => this.end?.({ error }),
        );
      });
    const step = () => {
      try {
        this.step();
      } catch (error) {
        this.end?.({ error });
      }
    };
    this.drain = createDrain(step);
    this.drain();
    return promise;
  }

  /** Runs events up to and with the next entering one, then asks for a drain. */
  private step(): void {
    const { queue, handlers, flags, options } = this;
    const { beforeEvent, deadlineMs } = options;
    while (!this.isOver()) {
      if (beforeEvent !== undefined) beforeEvent(this.events);
      this.nowMs = queue.nextTimeMs();
      if (this.nowMs > deadlineMs) throw this.stuck('the work is past its deadline');
      this.events++;
      const slot = queue.pop();
      const handler = queue.handlerOf[slot];
      const flag = flags[handler];
      if ((flag & DAEMON) !== 0) this.daemonsPending--;
      handlers[handler](queue.argumentOf[slot]);
      if ((flag & ENTERING) !== 0) {
        this.drain();
        return;
      }
    }
  }

  /** Whether no event shall run any more; settles the run when so. */
  private isOver(): boolean {
    const { end, work, options } = this;
    if (end === undefined) return true;
    const isIdle = this.queue.size === this.daemonsPending;
    if (work === 'ended' || (work === 'none' && isIdle)) end(true);
    else if (isIdle) throw this.stuck('no event is left that could carry the work on');
    else if ((this.events & (POLL_EVERY - 1)) === 0 && options.poll?.(this.events, this.nowMs)) end(false);
    return this.end === undefined;
  }

  private register(handler: (argument: number) => void, flags: number): Handler {
    this.handlers.push(handler);
    this.flags.push(flags);
    return this.handlers.length - 1;
  }

  private stuck(why: string): SandtableError {
    const all = this.parked.flatMap(names => [...names()]);
    const names = all.slice(0, PARKED_NAMED_MAX).map(name => `  ${name}`);
    const rest = all.length > names.length ? [`  and ${all.length - names.length} more`] : [];
    const parked =
      names.length === 0
        ? ['  none: the work waits for something else: a leak to real I/O, or a wait that nobody ends']
        : [...names, ...rest];
    return new SandtableError(
      'SIMULATION',
      [
        `${why} at ${this.nowMs - this.options.startMs} ms, after ${this.events} events; parked calls:`,
        ...parked,
      ].join('\n'),
    );
  }
}
