// The plan of one change: the steps of a company that it makes, makes again or takes away, in their order. Pure data, as
// the plan of provisioning is (src/provisioning/plan.ts); carryOut.ts walks it.

import { type Step, step } from '../provisioning/plan.ts';
import type { Change, Remedy } from './change.ts';

export type ChangeStep = { readonly does: 'make' | 'unmake'; readonly step: Step };

/** `whole`: the company's plan of provisioning. */
export function changePlanOf(change: Change, whole: readonly Step[]): ChangeStep[] {
  if (change.kind === 'decommissioning')
    return whole.toReversed().map(one => ({ does: 'unmake', step: one }));
  return makingOf(change, whole).map(one => ({ does: 'make', step: one }));
}

function makingOf(change: Exclude<Change, { kind: 'decommissioning' }>, whole: readonly Step[]): Step[] {
  const secrets = whole.filter(({ kind }) => kind === 'secret').map(({ part }) => part);
  const access = (part: 'open' | 'closed'): Step[] => [
    userAccess(part),
    ...secrets.map(secret => step('secretAccess', `${part} ${secret}`)),
    step('keyAccess', part),
  ];
  switch (change.kind) {
    case 'level':
      // The record is last: users get the new level when everything that serves them has it.
      return [service('open'), step('documentSettings'), record('open')];
    case 'suspension':
      // The record is first: the gateways turn users away before anything behind them is closed.
      return [record('closed'), service('closed'), ...access('closed')];
    case 'resumption':
      return [...access('open').reverse(), service('open'), step('health'), record('open')];
    case 'retargeting':
      return served(whole);
    case 'healing':
      return remedyOf(change.remedy, whole);
  }
}

const userAccess = (part: string) => step('userAccess', part, 'databaseOperations');
const service = (part: string) => step('serviceSettings', part, 'cloudRunDeploys');
const record = (part: string) => step('recordSettings', part, 'databaseOperations');
const target = (): Step => ({ ...step('dnsTarget', '', 'dnsRecordWrites'), limitsRemoval: true });

/** The service, made where there is none, and the name that leads to wherever it is now. */
const served = (whole: readonly Step[]): Step[] => [
  ...whole.filter(({ kind }) => kind === 'service'),
  // Under a wildcard there is no record of its own to point.
  ...(whole.some(({ kind }) => kind === 'dnsRecord') ? [target()] : []),
  step('propagation'),
  step('health'),
  record('open'),
];

/** A name is trusted again once the resolver gives it and the company answers under it. */
function remedyOf(remedy: Remedy, whole: readonly Step[]): Step[] {
  const again = (...kinds: string[]) => whole.filter(({ kind }) => kinds.includes(kind));
  switch (remedy) {
    case 'restart':
      return [step('serviceRestart', '', 'cloudRunDeploys'), step('health')];
    case 'service':
      return served(whole);
    case 'serviceSettings':
      return [service('open'), step('health')];
    case 'dnsRecord':
      return again('dnsRecord', 'propagation', 'health');
    case 'dnsTarget':
      return [target(), step('propagation'), step('health')];
    case 'certificate':
      return again('certificate', 'health');
    case 'renewal':
      return [step('certificateRenewal'), step('health')];
    case 'databaseUser':
      return again('databaseRole', 'databaseUser');
    case 'databaseAccess':
      return [userAccess('open')];
  }
}
