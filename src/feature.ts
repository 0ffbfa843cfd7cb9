import type { ScopeGroup } from './access/declared.ts';
import type { Context } from './context.ts';
import type { JobKind } from './features/data/jobs/kind.ts';
import type { Routes } from './http.ts';
import type { Measure } from './infra/metrics.ts';
import type { ObjectId } from './lib/ids.ts';
import type { Caller } from './records/api/service.ts';
import type { AnyEntity } from './records/entity/entity.ts';
import type { ReferenceHolder } from './records/references.ts';
import type { EventListener } from './records/relay.ts';
import type { Module } from './tenancy/workspaces/model.ts';
import type { Work } from './work/work.ts';

/**
 * All that a feature brings to the server, in one place: whatever the server does for every feature, it does by reading
 * the list of these in features.ts. Nothing else names a feature.
 */
export interface Feature {
  /** The name of its folder. */
  readonly name: string;
  /** Groups of operations in the API document, in its order. */
  readonly tags?: readonly Tag[];
  /** Its records; what they owe is passed on. */
  readonly entities?: readonly AnyEntity[];
  /** Scopes besides those of its entities, or where the API document is to say more about these. */
  readonly scopes?: readonly ScopeGroup[];
  /** Modules besides those of its entities: what a workspace can switch off. */
  readonly modules?: readonly Module[];
  /** Routes below a workspace, at every place where workspaces are mounted. */
  readonly workspaceRoutes?: readonly Routes[];
  /** Routes at the paths that they name themselves. */
  readonly routes?: readonly Routes[];
  /** Hears of the events of every entity. */
  readonly listeners?: readonly ((ctx: Context) => EventListener)[];
  /** Durable work, each with a queue and lanes of its own. */
  readonly work?: readonly Work[];
  /** What it has done to many records at a time (see features/data/jobs). */
  readonly jobs?: readonly JobKind[];
  /**
   * Finds what a dead process left unfinished and finishes it; runs about every second in one of the workers. Once the
   * signal is aborted nothing more is begun.
   */
  readonly sweeps?: readonly ((ctx: Context, signal: AbortSignal) => Promise<unknown>)[];
  /** What it measures, so that it is shown before it has happened for the first time. */
  readonly measures?: readonly Measure<unknown>[];
  /** Where its records refer to others otherwise than by a field that says so, or have rules for it. */
  readonly references?: readonly ReferenceHolder[];
  /** Keeps the workspaces' tags; one feature does. */
  readonly tagKeeper?: TagKeeper;
  /** Makes the sample records of the demo, and of the guards that call every route. */
  samples?(ctx: Context, world: SampleWorld): Promise<Samples>;
}

export interface Tag {
  readonly name: string;
  readonly description: string;
}

/** What a workspace's settings and its records' tags need of the tags' own records. */
export interface TagKeeper {
  /** The names, in the order in which they came. */
  names(ctx: Context, workspaceId: ObjectId): Promise<string[]>;
  /** Makes tags of names that records begin to bear. */
  learn(ctx: Context, workspaceId: ObjectId, names: readonly string[]): Promise<void>;
  /** Makes the list be these names; one that records bear stays. */
  replace(ctx: Context, workspaceId: ObjectId, names: readonly string[]): Promise<void>;
}

/** Where samples are made, and what the features before this one in the list have made. */
export interface SampleWorld {
  readonly caller: Caller;
  /** User id of a member. */
  readonly memberId: string;
  readonly made: Samples;
}

/** Ids of sample records by the collection's name in the URL. */
export type Samples = Readonly<Record<string, readonly ObjectId[]>>;
