// The companies' credentials in virtual time: tokens as SallyPort issues them, but for the signature, which a table
// stands for.

import { KEY_ID } from '../scenarios/gatewayOptions.ts';
import type { PopulationCompany } from '../scenarios/population.ts';

const DAY_S = 86_400;

export type Credentials = {
  /** Value of `authorization`, with one token a company, by its position in the queue. */
  readonly authorizationOf: (company: number) => string;
  readonly isSigned: (token: string) => boolean;
};

export function createCredentials(companies: readonly PopulationCompany[], nowMs: number): Credentials {
  const values: string[] = [];
  const issued = new Set<string>();
  const header = base64url(JSON.stringify({ alg: 'EdDSA', kid: KEY_ID }));
  return {
    authorizationOf: company => {
      const known = values[company];
      if (known !== undefined) return known;
      const { id, level } = companies[company];
      const exp = Math.floor(nowMs / 1000) + DAY_S;
      const claims = { iss: 'sallyport', sub: id, level, exp, jti: `t-${id}` };
      const token = `${header}.${base64url(JSON.stringify(claims))}.${id}`;
      issued.add(token);
      return (values[company] = `Bearer ${token}`);
    },
    isSigned: token => issued.has(token),
  };
}

const base64url = (text: string): string =>
  btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
