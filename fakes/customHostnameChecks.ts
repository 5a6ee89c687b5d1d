// What is wrong with the body of a custom hostname, in the vendor's codes.

import { invalidSsl, isAuthority } from './certificates.ts';
import { failure, foreignField, isHostname, isIn, isStrings } from './cloudflareEnvelope.ts';
import { type FakeReply, isObject } from './service.ts';

export type Ssl = {
  readonly method: string;
  readonly type: string;
  readonly certificate_authority?: string;
  readonly settings?: object;
};

const SSL_FIELDS = [
  ...['method', 'type', 'certificate_authority', 'settings'],
  ...['bundle_method', 'wildcard', 'cloudflare_branding'],
];
type Setting = { readonly code: number; readonly values: readonly unknown[] };
const SETTINGS: Readonly<Record<string, Setting>> = {
  http2: { code: 1422, values: ['on', 'off'] },
  tls_1_3: { code: 1424, values: ['on', 'off'] },
  min_tls_version: { code: 1425, values: ['1.0', '1.1', '1.2', '1.3'] },
};

/** Stricter than the vendor: a name outside of the zone's domain is refused. */
export function invalidHostname(hostname: unknown, domain: string): FakeReply | undefined {
  return isHostname(hostname) && isIn(hostname, domain)
    ? undefined
    : failure(400, 1407, 'Invalid custom hostname.');
}

/** The vendor wants type and method each time, to change any other attribute as well. */
export function invalidSslOf(ssl: unknown): FakeReply | undefined {
  const { method, type, certificate_authority, settings, bundle_method, wildcard, cloudflare_branding } =
    isObject(ssl) ? ssl : {};
  const invalid = (code: number, message: string) => failure(400, code, message);
  if (method === undefined || type === undefined)
    return invalid(
      1440,
      'Both validation type and validation method are required. Check your input and try again.',
    );
  if (!['http', 'txt', 'email'].includes(method as string))
    return invalid(1432, 'The validation method is not supported. Only http, email, or txt are accepted.');
  if (type !== 'dv') return invalid(1433, "The validation type is not supported. Only 'dv' is accepted.");
  if (
    certificate_authority !== undefined &&
    certificate_authority !== '' &&
    !isAuthority(certificate_authority)
  )
    return invalidSsl('certificate_authority is none of google, lets_encrypt and ssl_com.');
  if (bundle_method !== undefined && !['ubiquitous', 'optimal', 'force'].includes(bundle_method as string))
    return invalid(1449, 'The request input bundle_method must be one of: ubiquitous, optimal, force.');
  if (wildcard !== undefined && wildcard !== false)
    return invalid(
      1448,
      'Custom hostnames with wildcards are not supported for certificates managed by Cloudflare.',
    );
  if (cloudflare_branding !== undefined && typeof cloudflare_branding !== 'boolean')
    return invalidSsl('cloudflare_branding is no boolean.');
  return foreignField(ssl as object, SSL_FIELDS) ?? invalidSettings(settings);
}

function invalidSettings(settings: unknown = {}): FakeReply | undefined {
  if (!isObject(settings)) return invalidSsl('settings is no object.');
  for (const [name, value] of Object.entries(settings)) {
    const known = Object.hasOwn(SETTINGS, name) ? SETTINGS[name] : undefined;
    if (known === undefined) return foreignField({ [name]: value }, []);
    if (!known.values.includes(value))
      return failure(400, known.code, `Invalid ${name} setting. Check your input and try again.`);
  }
  return undefined;
}

export function invalidMetadata(metadata: unknown): FakeReply | undefined {
  return metadata === undefined || isStrings(metadata)
    ? undefined
    : failure(400, 1401, 'Unable to encode the Custom Metadata as JSON. Check your input and try again.');
}
