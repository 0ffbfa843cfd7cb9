import type { z } from 'zod';
import type { Context } from '../../context.ts';
import type { FieldType, Workspace } from '../../tenancy/workspaces/model.ts';
import type { FacetRule } from '../facets.ts';
import type { Sorting } from './orders.ts';
import type { References } from './references.ts';

/** What an entity says about one of its fields, besides the kind of value it has. */
export interface Options<Value = unknown> {
  /** A create has to give it and nothing clears it. `natively`: the native contract demands it, others need not. */
  required?: true | 'natively';
  /**
   * What a new record has when the create gives nothing. A plain value stays until another takes its place, and records
   * from before the field was declared show it; a function may have nothing to give, so that its field can be cleared.
   */
  initial?: Value | ((workspace: Workspace) => Value | undefined);
  /** Every record has it, though a create need not give it: the entity's rules see to that. */
  always?: true;
  /** Nothing clears it. */
  kept?: true;
  /** The server sets it; bodies don't have it. */
  managed?: true;
  /** Neither bodies nor answers have it. */
  hidden?: true;
  /** `once`: a create gives it, and a change can restate it. `later`: only changes give it. */
  given?: 'once' | 'later';
  /** For the API document. */
  describe?: string;
  /** In schema discovery, where the field's own name doesn't say it well. */
  title?: string;
  /** Lists filter by it, under its own name or another. */
  filter?: true | { name?: string; schema?: z.ZodType };
  /** The search `q` looks here. */
  search?: true;
  /** The server's own lists filter by it. */
  facet?: true;
  /**
   * Lists can be in its order (`sort`), and bounded by it where it is a number or a time. `within`: there also is an index for
   * each value of these filters, for lists with one of them that are to be as quick.
   */
  order?: true | { within: readonly string[] };
  /** No two records that are not archived have the same value. */
  unique?: Unique;
}

export interface Unique {
  /** The index's name. */
  index: string;
  /** Why a row of a bulk request was skipped. */
  reason: string;
  /** The answer to a create or change, where "Duplicate contact found" won't do. */
  message?: string;
}

/** Where a value comes from, for checks against the workspace. */
export interface Place {
  workspace: Workspace;
  /** The entity's name: "lead". */
  entity: string;
  /** The field's name, for errors. */
  field: string;
  mode: 'create' | 'change';
  /** The records that the values of the body refer to. */
  references: References;
}

/** What all fields with one kind of value have in common: how it is given, kept and shown. */
export interface Kind<Stored, Given, Shown> {
  given: z.ZodType<Given>;
  shown: z.ZodType<Shown>;
  /** As a Mongoose schema has it; a field that is part of another is not stored by itself. */
  stored?: object;
  /** What schema discovery calls it. */
  type: FieldType;
  /** The values to choose from. */
  choices?(workspace: Workspace): readonly string[];
  /** How `q` finds it. */
  searchRule?: FacetRule;
  /** How it is found otherwise, when not by its value. */
  facetRule?: FacetRule;
  /** The query parameter that filters by it. */
  filter?: { name?: string; schema?: z.ZodType };
  /** How its values sort. */
  sorting?: Sorting;
  /** Where it is shown from, when not from the field of its own name. */
  source?: string;
  /** Shows what is stored, where that is not what is shown. */
  show?(value: Stored): Shown;
  /** For the API document, where the field says nothing else. */
  describe?: string;
  /** The entity whose records it names. */
  refersTo?: string;
  /** @throws AppError invalid for a value that the workspace can't have; a create's may be missing */
  check?(ctx: Context, place: Place, value: Given | null | undefined): Promise<void>;
  /** Makes what is stored of what is given. @param body all that is given */
  keep?(value: Given, place: Place, body: Record<string, unknown>): Stored;
  /** What a change sets, by path, where that is not the field as a whole. */
  reach?(value: Given, place: Place): Record<string, unknown>;
  /** Computed from another field, with which it comes and goes. */
  derived?: { from: string; make(value: string, workspace: Workspace): Stored };
  /** The list of the workspace that gets to know each new value. */
  discovers?: 'tags' | 'source' | 'status';
}

/** A field of an entity. `is` has no value: it carries the types. */
export interface Field<Stored = unknown, Given = unknown, Shown = unknown, O extends Options = Options>
  extends Kind<Stored, Given, Shown> {
  options: O;
  readonly is?: { stored: Stored; given: Given; shown: Shown };
}

export type Fields = Record<string, Field>;

/** Declares a field of some kind. */
export const field = <Stored, Given, Shown, O extends Options>(
  kind: Kind<Stored, Given, Shown>,
  options: O,
): Field<Stored, Given, Shown, O> => ({ ...kind, options });

/** Whether every record has it. */
export const isAlwaysThere = ({ options }: Field): boolean =>
  options.required === true || options.always === true || isConstant(options.initial);

/** Whether null clears it. */
export const isClearable = (field: Field): boolean =>
  !isAlwaysThere(field) && !field.options.required && !field.options.kept;

/** Whether only the server sets it. */
export const isServerSide = ({ options }: Field): boolean =>
  options.managed === true || options.hidden === true;

/** Whether a create can give it. */
export const isGivenAtFirst = (field: Field): boolean =>
  !isServerSide(field) && field.options.given !== 'later';

export const isShown = ({ options }: Field): boolean => !options.hidden;

/** The value that a record has of itself. */
export const constantOf = ({ options: { initial } }: Field): Constant | undefined =>
  isConstant(initial) ? initial : undefined;

export type Constant = string | number | boolean;

const isConstant = (value: unknown): value is Constant =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
