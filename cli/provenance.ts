// What a report says of where it came from: the commit of the code, and the machine in its own block.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Report } from '../reports/report.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** The commit, with `-dirty` when the checkout differs from it; `unknown` outside a checkout. */
export function commitOf(): string {
  try {
    const git = (...args: string[]) =>
      execFileSync('git', ['-C', ROOT, ...args], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
    return git('rev-parse', 'HEAD') + (git('status', '--porcelain') === '' ? '' : '-dirty');
  } catch {
    return 'unknown';
  }
}

export function environmentOf(startedAtMs: number, workers: number): Report['environment'] {
  return {
    startedAt: new Date(startedAtMs).toISOString(),
    wallMs: Date.now() - startedAtMs,
    node: process.version,
    platform: `${process.platform}-${process.arch}`,
    workers,
    peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}
