// Progress of long work on standard error: one line that rewrites itself on a terminal, a plain line now and then
// elsewhere.

export type Progress = {
  readonly update: (done: number, planned: number) => void;
  readonly end: () => void;
};

const PLAIN_EVERY_MS = 10_000;
/** An ETA from less work than this would jump about. */
const ETA_SHARE_MIN = 0.02;

export function createProgress(what: string, units: string): Progress {
  const isTerminal = process.stderr.isTTY === true;
  const startedAtMs = Date.now();
  let saidAtMs = startedAtMs;
  let isOpen = false;
  return {
    update(done, planned) {
      const nowMs = Date.now();
      if (!isTerminal && nowMs - saidAtMs < PLAIN_EVERY_MS) return;
      saidAtMs = nowMs;
      const share = done / planned;
      const leftMs = share < ETA_SHARE_MIN ? undefined : (nowMs - startedAtMs) * (1 / share - 1);
      const eta = leftMs === undefined ? '' : `, ${Math.ceil(leftMs / 1000)} s left`;
      const line = `${what}: ${done} of ${planned} ${units}${eta}`;
      process.stderr.write(isTerminal ? `\r\x1b[2K${line}` : `${line}\n`);
      isOpen = isTerminal;
    },
    end() {
      if (isOpen) process.stderr.write('\r\x1b[2K');
      isOpen = false;
    },
  };
}
