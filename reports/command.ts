// Commands to copy into a shell: the one that made a report, and the one that tries what the report suggests.

import { LIMITERS, worstLimit } from './limits.ts';
import type { Asked, LimitReport, Report, RolloutReport } from './report.ts';

/** A pilot's lacks the address of its fakes, which is another each time. */
export function commandOf({ verb, scenario, flags }: Asked, clock: Report['clock']): string {
  return [
    'sandtable',
    verb ?? (clock === 'virtual' ? 'run' : 'pilot'),
    quoted(scenario),
    ...flags.map(quotedFlag),
  ].join(' ');
}

/** Of mean provisioning time: a company that waits for less is hardly helped by a faster limiter. */
const WAIT_SHARE_MIN = 0.05;

/**
 * Twice the rate of the limiter that binds. Null where that rate is not the scenario's to change or would change little,
 * where companies failed (the rate is then not what to look at first), and in real time, where one try takes hours.
 */
export function whatIfOf(
  asked: Asked,
  {
    clock,
    rollout,
    limits,
  }: {
    readonly clock: Report['clock'];
    readonly rollout: RolloutReport;
    readonly limits: readonly LimitReport[];
  },
): string | null {
  const { companies, completed, provisioningMs } = rollout;
  const limit = worstLimit(limits);
  if (clock !== 'virtual' || completed < companies) return null;
  if (limit === undefined || limit.perMinute === null || LIMITERS[limit.name] === undefined) return null;
  if (limit.waitMs / companies < WAIT_SHARE_MIN * provisioningMs.mean) return null;
  const set = `--set provisioning.limits.${LIMITERS[limit.name].rate}=`;
  const kept = asked.flags.filter(flag => !flag.startsWith(set));
  return commandOf({ ...asked, verb: 'run', flags: [...kept, `${set}${limit.perMinute * 2}`] }, clock);
}

/** The value alone: a flag's name is never special to a shell. */
function quotedFlag(flag: string): string {
  const space = flag.indexOf(' ');
  return space < 0 ? flag : `${flag.slice(0, space)} ${quoted(flag.slice(space + 1))}`;
}

const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
