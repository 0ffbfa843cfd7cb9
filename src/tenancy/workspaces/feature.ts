import type { Feature } from '../../feature.ts';
import { workspaceRoutes } from './routes.ts';
import { workspaceSettingsRoutes } from './settings-routes.ts';

export const feature: Feature = {
  name: 'workspaces',
  tags: [
    { name: 'Sync & Metadata', description: 'The lists and fields that a workspace has configured' },
    { name: 'Workspace', description: 'The workspace and its settings' },
  ],
  scopes: [{ scopes: ['metadata.read'], opens: 'workspace, schema, metadata' }],
  routes: [workspaceSettingsRoutes],
  workspaceRoutes: [workspaceRoutes],
};
