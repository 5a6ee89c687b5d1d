// What is wrong with an industry's template, or a level's instances, though each field is right by itself.

import { ADVANCED_SECRETS, BASIC_SECRETS } from '../src/provisioning/plan.ts';
import { type Rule, when } from './rule.ts';
import { show } from './words.ts';

/** Least and most GiB of memory by vCPU, as Cloud Run allows them. */
const MEMORY_GIB: Readonly<Record<number, readonly [least: number, most: number]>> = {
  1: [0.125, 4],
  2: [0.125, 8],
  4: [2, 16],
  6: [4, 24],
  8: [4, 32],
};
const OWN_SECRETS = [...BASIC_SECRETS, ...ADVANCED_SECRETS];

export const TEMPLATE_RULES: readonly Rule[] = [
  {
    needs: ['platform.security.levels'],
    find: ({ platform: { security } }) =>
      Object.entries(security.levels).flatMap(([level, { serviceInstances }]) =>
        when(
          serviceInstances !== undefined && serviceInstances.min > serviceInstances.max,
          `platform.security.levels.${level}.serviceInstances.min is ${serviceInstances?.min}; it must be at most max, ${serviceInstances?.max}`,
        ),
      ),
  },
  {
    needs: ['platform.templates'],
    find: ({ platform: { templates } }) =>
      Object.entries(templates).flatMap(([industry, { resources, secrets }]) => {
        const path = `platform.templates.${industry}`;
        const { vcpu, memoryGiB } = resources;
        const [least, most] = MEMORY_GIB[vcpu];
        return [
          ...when(
            memoryGiB < least || memoryGiB > most,
            `${path}.resources.memoryGiB is ${memoryGiB}; for ${vcpu} vCPU it must be ${least} to ${most}`,
          ),
          ...secrets.flatMap((secret, i) => [
            ...when(
              OWN_SECRETS.includes(secret),
              `${path}.secrets.${i} is ${show(secret)}; companies have a secret of that name anyway`,
            ),
            ...when(
              secrets.indexOf(secret) < i,
              `${path}.secrets.${i} is ${show(secret)}; it is there twice`,
            ),
          ]),
        ];
      }),
  },
];
