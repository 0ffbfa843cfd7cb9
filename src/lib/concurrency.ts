/** Pieces of work under way at the same time, and a bound for their number. One caller at a time waits. */
export interface Crew {
  readonly size: number;
  start(work: Promise<void>): void;
  /** Waits until another piece may begin. @throws what a piece of work threw */
  room(): Promise<void>;
  /** Waits until a piece ends or somebody calls `look`, but no longer than `limitMs`. */
  change(limitMs?: number): Promise<void>;
  /** Ends a wait for a change: there may be something else to do. */
  look(): void;
  /** Waits for all that was begun. @throws what a piece of work threw */
  done(): Promise<void>;
}

/** @param limit how many may be under way; asked each time, so it may change */
export function createCrew(limit: () => number): Crew {
  let size = 0;
  let failure: { error: unknown } | undefined;
  let notify: (() => void) | undefined;

  const end = () => {
    size -= 1;
    notify?.();
  };
  const change = (limitMs?: number) =>
    new Promise<void>((resolve) => {
      const timer = limitMs === undefined ? undefined : setTimeout(resolve, limitMs);
      notify = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  const waitUntil = async (isMet: () => boolean) => {
    while (!isMet()) await change();
    if (failure) throw failure.error;
  };

  return {
    get size() {
      return size;
    },
    start(work) {
      size += 1;
      work.then(end, (error: unknown) => {
        failure ??= { error };
        end();
      });
    },
    room: () => waitUntil(() => size < limit()),
    change,
    look: () => notify?.(),
    done: () => waitUntil(() => size === 0),
  };
}
