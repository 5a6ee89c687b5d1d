// Every operational error has a code from this one catalogue. A wrong input is the user's and ends in exit code 2;
// an expected result of a call (done, refused, unknown) is a value, never an error.

export const ERROR_CODES = {
  INPUT: 'a document, flag or file that cannot be used',
  JOURNAL: 'the journal or registry cannot be read or written',
  FAKES: 'the fake clouds cannot be reached or are not the ones that the journal belongs to',
  K6: 'the load generator cannot be run, or failed before it had sent all requests',
  PORT_IN_USE: 'another program listens on that port',
  INTERRUPTED: 'stopped by the user',
  SIMULATION: 'the simulation cannot go on: a leak, a deadlock, a deadline, a stray rejection',
} as const;

export type ErrorCode = keyof typeof ERROR_CODES;

export class SandtableError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string) {
    super(message);
    this.name = 'SandtableError';
    this.code = code;
  }
}
