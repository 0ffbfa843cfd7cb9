import type { Feature } from '../../../feature.ts';
import { taskRoutes } from './routes.ts';
import { sampleTasks } from './samples.ts';
import { taskEntity } from './service.ts';

export const feature: Feature = {
  name: 'tasks',
  tags: [{ name: 'Tasks', description: 'What the team has to do' }],
  entities: [taskEntity],
  workspaceRoutes: [taskRoutes],
  samples: sampleTasks,
};
