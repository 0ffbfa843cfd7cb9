import type { Context } from '../../context.ts';
import type { Module, Workspace } from './model.ts';

/**
 * Which modules are on. A workspace that has switched none off has all of them, also those that come with a later
 * version; one that has switched some off has those that it named, and a new one is off until it is named too.
 */

/** What earlier versions stored in every new workspace: such a list chooses nothing. */
const modulesAtFirst: readonly Module[] = [
  'leads',
  'properties',
  'contacts',
  'customers',
  'tasks',
  'team',
  'webhooks',
  'whatsapp',
  'messages',
  'developer',
];

const hasAll = (modules: readonly Module[], wanted: readonly Module[]): boolean =>
  wanted.every((module) => modules.includes(module));

/** Undefined where nothing was switched off. */
const chosenBy = ({ chosenModules, modules }: Workspace): Module[] | undefined =>
  chosenModules ?? (modules && !hasAll(modules, modulesAtFirst) ? modules : undefined);

export const hasModule = (workspace: Workspace, module: Module): boolean =>
  chosenBy(workspace)?.includes(module) ?? true;

/** All that are on. */
export const modulesOf = (ctx: Context, workspace: Workspace): Module[] =>
  chosenBy(workspace)?.filter((module) => ctx.modules.includes(module)) ?? [...ctx.modules];

/** The update by which a workspace has exactly these. */
export const choosing = (ctx: Context, modules: Module[]): Choice =>
  hasAll(modules, ctx.modules)
    ? { $set: {}, $unset: { chosenModules: '', modules: '' } }
    : { $set: { chosenModules: modules }, $unset: { modules: '' } };

interface Choice {
  $set: Pick<Workspace, 'chosenModules'>;
  $unset: Record<string, ''>;
}
