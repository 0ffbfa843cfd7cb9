/**
 * The places of a process, shared out among workspaces. A free one goes to the workspace that holds the fewest, so one
 * that has much to do waits for itself: a newcomer gets the next place that becomes free, however long the line is. No
 * workspace holds more than its share even when nobody else wants a place, since somebody may the moment after.
 */
export interface Places {
  /** Waits for a place; undefined when the line is too long or closed. */
  enter(workspace: string): Promise<Place | undefined>;
  /** Whether somebody waits. */
  isContended(): boolean;
  /** Sends all away who wait. */
  close(): void;
}

export interface Place {
  /** Lets somebody else have the place. Its holder, who only waits for what is under way, stays on. */
  giveAway(): void;
  leave(): void;
}

export interface PlacesOptions {
  total: number;
  /** Of one workspace. */
  share: number;
  /** Of those who have given their place away and stay on: how many there may be, and of one workspace. */
  stay: { total: number; share: number };
  lineMax: number;
}

interface Tally {
  held: number;
  givenAway: number;
  waiting: ((place: Place | undefined) => void)[];
}

export function createPlaces({ total, share, stay, lineMax }: PlacesOptions): Places {
  const tallies = new Map<string, Tally>();
  let [held, givenAway, waiting] = [0, 0, 0];
  let isClosed = false;

  const tallyOf = (workspace: string): Tally => {
    const tally = tallies.get(workspace) ?? { held: 0, givenAway: 0, waiting: [] };
    tallies.set(workspace, tally);
    return tally;
  };
  /** Of those that hold equally few the one that has been here longest. */
  const next = (): [string, Tally] | undefined => {
    let best: [string, Tally] | undefined;
    for (const entry of tallies) {
      const [, tally] = entry;
      if (tally.waiting.length === 0 || tally.held >= share) continue;
      if (!best || tally.held < best[1].held) best = entry;
      if (best[1].held === 0) break;
    }
    return best;
  };
  const admit = () => {
    while (held < total && waiting > 0) {
      const [workspace, tally] = next() ?? [];
      if (workspace === undefined || !tally) return;
      const enter = tally.waiting.shift();
      waiting -= 1;
      enter?.(take(workspace, tally));
    }
  };
  const take = (workspace: string, tally: Tally): Place => {
    held += 1;
    tally.held += 1;
    let state: 'held' | 'given away' | 'left' = 'held';
    const change = (now: 'given away' | 'left') => {
      const step = now === 'given away' ? 1 : -1;
      if (state === 'held') {
        held -= 1;
        tally.held -= 1;
      }
      if (now === 'given away' || state === 'given away') {
        givenAway += step;
        tally.givenAway += step;
      }
      state = now;
      if (tally.held + tally.givenAway + tally.waiting.length === 0) tallies.delete(workspace);
      admit();
    };
    return {
      giveAway() {
        if (state === 'held' && tally.givenAway < stay.share && givenAway < stay.total) change('given away');
      },
      leave() {
        if (state !== 'left') change('left');
      },
    };
  };

  return {
    enter(workspace) {
      if (isClosed || waiting >= lineMax) return Promise.resolve(undefined);
      return new Promise((resolve) => {
        tallyOf(workspace).waiting.push(resolve);
        waiting += 1;
        admit();
      });
    },
    isContended: () => waiting > 0,
    close() {
      isClosed = true;
      for (const tally of tallies.values()) for (const enter of tally.waiting.splice(0)) enter(undefined);
      waiting = 0;
    },
  };
}
