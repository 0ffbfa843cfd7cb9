import type { Feature } from '../../../feature.ts';
import { timelineRoutes } from './routes.ts';

export const feature: Feature = { name: 'timeline', workspaceRoutes: [timelineRoutes] };
