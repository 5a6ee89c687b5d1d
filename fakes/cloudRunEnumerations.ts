// Cloud Run's enumerations, for clients that speak of them by number.

import { type Enumerations, withNames as namesIn, withNumbers as numbersIn } from './googleEnumerations.ts';

const ENUMERATIONS: Enumerations = {
  ingress: [
    'INGRESS_TRAFFIC_UNSPECIFIED',
    'INGRESS_TRAFFIC_ALL',
    'INGRESS_TRAFFIC_INTERNAL_ONLY',
    'INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER',
    'INGRESS_TRAFFIC_NONE',
  ],
  launchStage: ['LAUNCH_STAGE_UNSPECIFIED', 'EARLY_ACCESS', 'ALPHA', 'BETA', 'GA', 'DEPRECATED'],
  scalingMode: ['SCALING_MODE_UNSPECIFIED', 'AUTOMATIC', 'MANUAL'],
  state: [
    'STATE_UNSPECIFIED',
    'CONDITION_PENDING',
    'CONDITION_RECONCILING',
    'CONDITION_FAILED',
    'CONDITION_SUCCEEDED',
  ],
  type: [
    'TRAFFIC_TARGET_ALLOCATION_TYPE_UNSPECIFIED',
    'TRAFFIC_TARGET_ALLOCATION_TYPE_LATEST',
    'TRAFFIC_TARGET_ALLOCATION_TYPE_REVISION',
  ],
};

export const withNames = (value: unknown): unknown => namesIn(ENUMERATIONS, value);
export const withNumbers = (value: unknown): unknown => numbersIn(ENUMERATIONS, value);
