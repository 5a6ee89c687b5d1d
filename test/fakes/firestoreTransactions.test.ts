// How long a transaction of Firestore lasts, by the fake's clock.

import { expect, test } from 'vitest';
import { firestore } from '../../fakes/firestore.ts';
import { callerOf, createWorld, type FakeCall, NOW_MS, TOKEN } from './fakeCall.ts';

const ROOT = 'projects/p/databases/(default)/documents';

function open() {
  const call = callerOf(firestore(createWorld()), { authorization: `Bearer ${TOKEN}` });
  const send = (verb: string, body: object, afterMs: number) => {
    const request: FakeCall = { method: 'POST', path: `/v1/${ROOT}:${verb}`, body, atMs: NOW_MS + afterMs };
    return call(request);
  };
  const { transaction } = send('beginTransaction', {}, 0).body;
  return {
    read: (afterMs: number) => send('batchGet', { documents: [`${ROOT}/a/b`], transaction }, afterMs).status,
    commit: (afterMs: number) => send('commit', { writes: [], transaction }, afterMs).status,
  };
}

test('a transaction is over a minute after the last call in it', () => {
  expect(open().commit(59_999)).toBe(200);
  expect(open().commit(60_000)).toBe(400);
  const { read, commit } = open();
  expect([read(50_000), read(100_000), commit(159_999)]).toEqual([200, 200, 200]);
});

test('a transaction is over after four and a half minutes, however busy', () => {
  for (const [endMs, status] of [
    [269_999, 200],
    [270_000, 400],
  ] as const) {
    const { read, commit } = open();
    for (let ms = 50_000; ms < endMs; ms += 50_000) expect(read(ms)).toBe(200);
    expect(commit(endMs)).toBe(status);
  }
});
