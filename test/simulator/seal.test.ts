// The seal in a worker of its own: what it takes away throws by name, and comes back afterwards.

import { Worker } from 'node:worker_threads';
import { beforeAll, describe, expect, it } from 'vitest';
import type { SealReport } from './fixtures/sealed.ts';

let report: SealReport;

beforeAll(async () => {
  const worker = new Worker(new URL('./fixtures/sealed.ts', import.meta.url));
  report = await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject));
});

describe('a sealed worker', () => {
  it('knows the clocks, timers, chance, network, settings and locale of the machine', () => {
    expect(report.names).toEqual(
      expect.arrayContaining([
        'globalThis.Date',
        'globalThis.Temporal',
        'globalThis.Intl',
        'globalThis.performance',
        'globalThis.setTimeout',
        'globalThis.crypto',
        'globalThis.fetch',
        'Math.random',
        'process.env',
        'process.uptime',
        'String.prototype.localeCompare',
      ]),
    );
  });

  it('throws on every name, and says which', () => {
    const saidWrong = report.names.filter(
      name => !report.sealed.reads[name].startsWith(`${name} was used inside a simulation`),
    );
    expect(saidWrong).toEqual([]);
  });

  it('lets nothing be put in their place', () => {
    expect(report.names.filter(name => report.sealed.writes[name] === 'works')).toEqual([]);
  });

  it('throws on whatever dependencies would write', () => {
    const working = Object.entries(report.sealed.uses).filter(([, outcome]) => !outcome.includes('was used'));
    expect(working).toEqual([]);
  });

  it('still knows its names', () => {
    expect(report.namesWhileSealed).toEqual(report.names);
  });

  it('works as before once it is unsealed', () => {
    const { reads, uses } = report.after;
    const broken = Object.entries({ ...reads, ...uses }).filter(([, outcome]) => outcome !== 'works');
    expect(broken).toEqual([]);
  });
});
