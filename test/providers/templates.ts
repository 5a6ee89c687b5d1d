// One plain template for every industry that a test of the clients names.

import type { Platform } from '../../src/provisioning/company.ts';

export const templatesOf = (...industries: readonly string[]): Platform['templates'] =>
  Object.fromEntries(
    industries.map(industry => [
      industry,
      {
        image: 'us-docker.pkg.dev/p/images/health:1',
        env: { REDACTION: 'on' },
        resources: { vcpu: 2, memoryGiB: 4 },
        secrets: [],
        retentionDays: 30,
        compliance: { auditRetentionDays: 60, standards: ['HIPAA'] },
      },
    ]),
  );
