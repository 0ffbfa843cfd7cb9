interface Call<I, O> {
  item: I;
  resolve(value: O): void;
  reject(error: unknown): void;
}

/**
 * Makes one piece of work of what is asked for during one turn of the event loop. Under load several requests are
 * handled in a turn, and one command for all of them costs little more than one for each. While nothing is under way
 * nobody waits for the end of the turn: a caller who sends one request after the other loses nothing by it.
 * @param limit how many items go together at most
 * @param perform returns what became of each item, in their order; when it rejects, all of them failed
 */
export function gather<I, O>(
  limit: number,
  perform: (items: I[]) => Promise<PromiseSettledResult<O>[]>,
): (item: I) => Promise<O> {
  let waiting: Call<I, O>[] = [];
  let underWay = 0;

  const start = async () => {
    const calls = waiting;
    waiting = [];
    underWay += 1;
    try {
      const outcomes = await perform(calls.map(({ item }) => item));
      for (const [index, { resolve, reject }] of calls.entries()) {
        const outcome = outcomes[index];
        if (outcome?.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome?.reason);
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    } finally {
      underWay -= 1;
    }
  };
  const startIfAnyWait = () => {
    if (waiting.length > 0) void start();
  };

  return (item) =>
    new Promise<O>((resolve, reject) => {
      if (waiting.length === 0) {
        if (underWay === 0) queueMicrotask(startIfAnyWait);
        else setImmediate(startIfAnyWait);
      }
      waiting.push({ item, resolve, reject });
      if (waiting.length >= limit) void start();
    });
}

export const fulfilled = <O>(value: O): PromiseFulfilledResult<O> => ({ status: 'fulfilled', value });
