import type { Feature } from '../../../feature.ts';
import { conversionRoutes } from './routes.ts';
import { sweepConversions } from './service.ts';

export const feature: Feature = {
  name: 'conversion',
  workspaceRoutes: [conversionRoutes],
  sweeps: [sweepConversions],
};
