// What the clients of Google's APIs share: the bearer header and the reading of the AIP-193 error envelope.

import type { Answer } from '../ports.ts';
import type { CloudResult } from '../provisioning/verbs.ts';
import { jsonOf, readFailure } from './call.ts';

export const googleHeaders = (token: string): Record<string, string> => ({
  authorization: `Bearer ${token}`,
});

type GoogleError = {
  error?: {
    status?: string;
    message?: string;
    details?: { '@type'?: string; metadata?: Record<string, string> }[];
  };
};

export function googleFailure(answer: Answer): CloudResult {
  const error = (jsonOf(answer) as GoogleError | undefined)?.error;
  const info = error?.details?.find(detail => detail['@type'] === 'type.googleapis.com/google.rpc.ErrorInfo');
  return readFailure(answer, info?.metadata?.quota_limit ?? 'google', error?.message ?? '');
}
