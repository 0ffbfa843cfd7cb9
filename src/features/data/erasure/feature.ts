import type { Feature } from '../../../feature.ts';
import { sweepDeletions } from './service.ts';

export const feature: Feature = {
  name: 'erasure',
  sweeps: [sweepDeletions],
};
