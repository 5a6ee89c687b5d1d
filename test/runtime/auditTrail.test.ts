// The audit trail's file: what `append` promises is read off the disk, not asked of the trail.

import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { AuditRecord } from '../../src/ports.ts';
import { type AuditFile, openAuditFile } from '../../src/runtime/auditTrail.ts';
import { newFolder } from '../cli/command.ts';

const recordOf = (n: number): AuditRecord => ({
  atMs: 1000 + n,
  company: `c0000${n}`,
  requestId: `1--2-0-0-${n}`,
  kind: 'tools/call',
  status: 200,
  durationMs: n / 2,
});

const trails: AuditFile[] = [];
afterEach(async () => {
  vi.restoreAllMocks();
  await Promise.all(trails.splice(0).map(trail => trail.close()));
});

async function trailAt(path = join(newFolder(), 'audit.ndjson')) {
  const trail = await openAuditFile(path);
  trails.push(trail);
  const text = () => readFile(path, 'utf8');
  const read = async () => (await text()).split('\n').slice(0, -1);
  return { path, trail, text, records: async () => (await read()).map(line => JSON.parse(line)) };
}

/** What a file handle does, each in the place of its real method. */
async function spyOnFiles() {
  const probe = await open(join(newFolder(), 'probe'), 'w');
  const handle = Object.getPrototypeOf(probe);
  await probe.close();
  return {
    write: vi.spyOn(handle, 'appendFile'),
    sync: vi.spyOn(handle, 'datasync'),
    truncate: vi.spyOn(handle, 'truncate'),
    /** As it is, for a stand-in that goes so far. */
    really: handle.appendFile as (this: unknown, data: Buffer) => Promise<void>,
  };
}

describe('the audit trail', () => {
  it('has a batch on the disk, in lines of its own, once it is appended', async () => {
    const { trail, records, text } = await trailAt();
    const { sync } = await spyOnFiles();
    await trail.append([recordOf(1), recordOf(2)]);
    expect(await records()).toEqual([recordOf(1), recordOf(2)]);
    // Out of the system's memory too: what only a running machine can read is not durable.
    expect(sync).toHaveBeenCalledTimes(1);
    await trail.append([recordOf(3)]);
    expect(await records()).toEqual([1, 2, 3].map(recordOf));
    expect(trail.bytes()).toBe(Buffer.byteLength(await text()));
  });

  it('keeps batches that are appended at once in order, and none within another', async () => {
    const { trail, records } = await trailAt();
    const batches = Array.from({ length: 20 }, (_, n) =>
      Array.from({ length: 5 }, (_, i) => recordOf(5 * n + i)),
    );
    await Promise.all(batches.map(batch => trail.append(batch)));
    expect(await records()).toEqual(batches.flat());
  });

  it('goes on after what an earlier process wrote, and counts its own bytes alone', async () => {
    const first = await trailAt();
    await first.trail.append([recordOf(1)]);
    await first.trail.close();
    trails.length = 0;
    const before = Buffer.byteLength(await first.text());
    const second = await trailAt(first.path);
    expect(second.trail.bytes()).toBe(0);
    await second.trail.append([recordOf(2)]);
    expect(await second.records()).toEqual([recordOf(1), recordOf(2)]);
    expect(second.trail.bytes()).toBe(Buffer.byteLength(await second.text()) - before);
  });

  it('writes nothing for no records, and counts in bytes, not letters', async () => {
    const { trail, text } = await trailAt();
    await trail.append([]);
    expect([await text(), trail.bytes()]).toEqual(['', 0]);
    await trail.append([{ ...recordOf(1), company: 'Käsehaus\n' }]);
    expect((await text()).split('\n')).toHaveLength(2);
    expect(trail.bytes()).toBe(Buffer.byteLength(await text()));
  });

  it('closes once what was appended before is on the disk', async () => {
    const { trail, records } = await trailAt();
    const appended = trail.append([recordOf(1)]);
    await trail.close();
    trails.length = 0;
    expect(await records()).toEqual([recordOf(1)]);
    await appended;
  });

  it('cannot be opened where no file can be', async () => {
    const file = join(newFolder(), 'file');
    await writeFile(file, '');
    await expect(openAuditFile(join(file, 'audit.ndjson'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

describe('a batch that fails', () => {
  it.each([
    ['half written', 'write'],
    ['written and not yet on the disk', 'sync'],
  ] as const)('%s leaves nothing behind, and the others stand', async (_when, where) => {
    const { trail, records, text } = await trailAt();
    await trail.append([recordOf(1)]);
    const { write, sync, really } = await spyOnFiles();
    if (where === 'sync') sync.mockRejectedValueOnce(new Error('the disk is full'));
    else
      write.mockImplementationOnce(async function (this: unknown, lines: Buffer) {
        await really.call(this, lines.subarray(0, lines.length / 2));
        throw new Error('the disk is full');
      } as never);
    const outcomes = await Promise.allSettled([2, 3].map(n => trail.append([recordOf(n), recordOf(n + 5)])));
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(await records()).toEqual([1, 3, 8].map(recordOf));
    expect(trail.bytes()).toBe(Buffer.byteLength(await text()));
    await trail.append([recordOf(4)]);
    expect(await records()).toEqual([1, 3, 8, 4].map(recordOf));
  });

  it('and cannot be taken back at once is taken back before the next one', async () => {
    const { trail, records, text } = await trailAt();
    await trail.append([recordOf(1)]);
    const { sync, truncate } = await spyOnFiles();
    sync.mockRejectedValueOnce(new Error('the disk is full'));
    truncate.mockRejectedValueOnce(new Error('it still is')).mockRejectedValueOnce(new Error('and still'));
    await expect(trail.append([recordOf(2)])).rejects.toThrow('the disk is full');
    await expect(trail.append([recordOf(3)])).rejects.toThrow('and still');
    await trail.append([recordOf(4)]);
    expect(await records()).toEqual([1, 4].map(recordOf));
    expect(trail.bytes()).toBe(Buffer.byteLength(await text()));
  });
});
