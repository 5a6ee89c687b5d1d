// What a gateway process runs in place of `src/gateway/gateway.ts` once `plantWastedTrip.ts` was there before it.

import * as gateway from '../../src/gateway/gateway.ts';
import { wastefully } from '../wastedTrip.ts';

export const createGateway = wastefully(gateway.createGateway);
