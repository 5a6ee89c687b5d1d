// The companies under way.

/** Never more than `max` after a `room()`; the first error ends the rollout. */
export class UnderWay {
  private readonly max: number;
  private count = 0;
  private error: { readonly cause: unknown } | undefined;
  private wake: (() => void) | undefined;

  constructor(max: number) {
    this.max = max;
  }

  add(work: Promise<void>): void {
    this.count++;
    work
      .catch(cause => {
        this.error ??= { cause };
      })
      .finally(() => {
        this.count--;
        this.wake?.();
      });
  }

  isFull(): boolean {
    return this.count >= this.max;
  }

  room(): Promise<void> {
    return this.until(() => !this.isFull());
  }

  allEnded(): Promise<void> {
    return this.until(() => this.count === 0);
  }

  private async until(enough: () => boolean): Promise<void> {
    while (this.error === undefined && !enough()) await new Promise<void>(resolve => (this.wake = resolve));
    this.wake = undefined;
    if (this.error !== undefined) throw this.error.cause;
  }
}
