// The company that the tests of the clients are about, and the platform that they provision it on. A test whose case hangs
// on one of these values writes it itself.

import type { Company, Platform } from '../../src/provisioning/company.ts';
import { DOMAIN, ZONE_ID } from '../fakes/fakeCall.ts';
import { templatesOf } from './templates.ts';

export const company: Company = {
  index: 1,
  id: 'c00001',
  region: 'us-west1',
  ordinal: 0,
  level: 'DIAMOND',
  industry: 'Health care',
  configuration: 'basic',
};

export const ATLAS_PROJECT = '65f1c0a4b7d2e3f40a1b2c01';

export const platform: Platform = {
  zones: [{ id: ZONE_ID, domain: DOMAIN }],
  dns: 'record',
  googleProjects: ['p'],
  regions: {
    'us-west1': {
      atlas: [{ project: ATLAS_PROJECT, cluster: 'companies' }],
      pineconeHost: 'companies-x.svc.w1.pinecone.io',
    },
  },
  templates: templatesOf('Health care'),
};
