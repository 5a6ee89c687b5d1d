// The access tokens that the fakes give out: when each was issued, and until when its vendor takes it.

type Issued = { readonly vendor: string; readonly issuedAtMs: number; readonly expiresAtMs: number };

export class IssuedTokens {
  private readonly byToken = new Map<string, Issued>();
  private given = 0;

  /** `name` is the beginning of the token, which is another each time. */
  give(vendor: string, name: string, lifetimeMs: number, nowMs: number): string {
    for (const [token, { expiresAtMs }] of this.byToken) if (nowMs >= expiresAtMs) this.byToken.delete(token);
    const token = `${name}.${++this.given}`;
    this.note(vendor, token, nowMs, nowMs + lifetimeMs);
    return token;
  }

  /** A token that its vendor has made in its own form. */
  note(vendor: string, token: string, issuedAtMs: number, expiresAtMs: number): void {
    this.byToken.set(token, { vendor, issuedAtMs, expiresAtMs });
  }

  isGood(vendor: string, token: string, nowMs: number): boolean {
    const issued = this.byToken.get(token);
    return issued !== undefined && issued.vendor === vendor && nowMs < issued.expiresAtMs;
  }

  /** A credential that was not given out here, such as the fakes' fixed one, is older than any. */
  issuedAtMs(token: string): number {
    return this.byToken.get(token)?.issuedAtMs ?? Number.NEGATIVE_INFINITY;
  }
}

/** What a request is authorised by, without the scheme; empty when it has nothing. */
export function credentialOf(headers: Readonly<Record<string, string>>): string {
  return headers['api-key'] ?? headers.authorization?.replace(/^Bearer /, '') ?? '';
}

/** The same request with a credential that no vendor knows. */
export function withoutCredential(
  headers: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return { ...headers, authorization: 'Bearer no-longer-good', 'api-key': 'no-longer-good' };
}
