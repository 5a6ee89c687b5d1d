// A region's audit trail: one file of JSON lines that is only ever appended to. A batch is on the disk, all of it, once
// `append` resolves; one that failed leaves nothing behind.

import { open } from 'node:fs/promises';
import type { AuditRecord, AuditTrail } from '../ports.ts';

export type AuditFile = AuditTrail & {
  /** Bytes that this process has written. */
  bytes(): number;
  close(): Promise<void>;
};

export async function openAuditFile(path: string): Promise<AuditFile> {
  const file = await open(path, 'a');
  const before = (await file.stat()).size;
  let size = before;
  // One batch after the other: two of them must not mix their lines.
  let last: Promise<void> = Promise.resolve();
  /** There may be a part of a failed batch after the first `size` bytes. */
  let isTorn = false;

  const mend = async () => {
    await file.truncate(size);
    isTorn = false;
  };
  const write = async (records: readonly AuditRecord[]) => {
    const lines = Buffer.from(records.map(record => `${JSON.stringify(record)}\n`).join(''));
    if (isTorn) await mend();
    try {
      await file.appendFile(lines);
      await file.datasync();
    } catch (error) {
      isTorn = true;
      // What refuses that too is asked again before the next batch.
      await mend().catch(() => {});
      throw error;
    }
    size += lines.length;
  };
  return {
    append: records => {
      if (records.length === 0) return last;
      const written = last.then(() => write(records));
      last = written.catch(() => {});
      return written;
    },
    bytes: () => size - before,
    close: async () => {
      await last;
      await file.close();
    },
  };
}
