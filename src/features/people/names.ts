import { invalid } from '../../lib/errors.ts';
import type { Change } from '../../records/change.ts';

/** A person's name as a whole and its two parts. Whichever a client gives, the other follows. */
export interface Names {
  name: string;
  firstName?: string;
  lastName?: string;
}

type Given = { [K in keyof Names]?: string | null | undefined };

/** Of the two parts, for the API document. */
export const namesDescribed =
  '`name` follows where only the parts are given, and the parts where only `name` is';

const nameLengthMax = 300;

/** Split at the last space, as the last name is the one that has the fewest words. */
export function splitName(name: string): { firstName: string; lastName?: string } {
  const space = name.lastIndexOf(' ');
  if (space < 0) return { firstName: name };
  return { firstName: name.slice(0, space).trimEnd(), lastName: name.slice(space + 1) };
}

/** @throws AppError invalid for more than a name holds */
export function joinName(firstName: string | null | undefined, lastName: string | null | undefined): string {
  const name = [firstName, lastName].filter(Boolean).join(' ');
  if (name.length > nameLengthMax) throw invalid('name', `Must be at most ${nameLengthMax} characters`);
  return name;
}

/** The parts of a record, also of one from before they were kept. */
export const partsOf = ({ name, firstName, lastName }: Names): Omit<Names, 'name'> =>
  firstName === undefined && lastName === undefined
    ? splitName(name)
    : withoutMissing({ firstName, lastName });

/** What a new record has besides what was given. */
export const completeNames = ({ name, firstName, lastName }: Names): Partial<Names> =>
  firstName === undefined && lastName === undefined ? splitName(name) : {};

/** What else a change does that gives one and not the other. */
export function reviseNames(change: Required<Change>, given: Given, current: Names): Required<Change> {
  const { name, firstName, lastName } = given;
  const isGiven = (value: unknown) => value !== undefined;
  if (isGiven(firstName) || isGiven(lastName)) {
    if (name) return change;
    const before = partsOf(current);
    const after = {
      firstName: isGiven(firstName) ? (firstName ?? undefined) : before.firstName,
      lastName: isGiven(lastName) ? (lastName ?? undefined) : before.lastName,
    };
    // A person has some name, whatever is cleared.
    const joined = joinName(after.firstName, after.lastName) || current.name;
    return { ...change, set: { ...change.set, ...withoutMissing(after), name: joined } };
  }
  if (!name || name === current.name) return change;
  const split = splitName(name);
  const unset = split.lastName === undefined ? [...change.unset, 'lastName'] : change.unset;
  return { ...change, set: { ...change.set, ...split }, unset };
}

const withoutMissing = ({
  firstName,
  lastName,
}: { [K in 'firstName' | 'lastName']?: string | undefined }) => ({
  ...(firstName === undefined ? {} : { firstName }),
  ...(lastName === undefined ? {} : { lastName }),
});
