import type { Work } from '../../../work/work.ts';
import { endpointLanes } from './lanes.ts';
import type { Lane } from './model.ts';
import type { Made } from './record.ts';
import type { Sendable } from './sendable.ts';
import { visitEndpoint } from './visit.ts';

/** Delivers webhooks. */
export const webhookWork: Work<Lane, Sendable, Made> = { ...endpointLanes, open: visitEndpoint };
