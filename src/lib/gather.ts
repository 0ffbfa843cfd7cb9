interface Call<I, O> {
  item: I;
  resolve(value: O): void;
  reject(error: unknown): void;
}

/**
 * Makes one piece of work of what is asked for during one turn of the event loop. Under load several requests are
 * handled in a turn, and one command for all of them costs little more than one for each; a call that is alone waits
 * for the end of the turn and no longer.
 * @param limit how many items go together at most
 * @param perform returns what became of each item, in their order; when it rejects, all of them failed
 */
export function gather<I, O>(
  limit: number,
  perform: (items: I[]) => Promise<PromiseSettledResult<O>[]>,
): (item: I) => Promise<O> {
  let waiting: Call<I, O>[] = [];

  const start = async () => {
    const calls = waiting;
    waiting = [];
    try {
      const outcomes = await perform(calls.map(({ item }) => item));
      for (const [index, { resolve, reject }] of calls.entries()) {
        const outcome = outcomes[index];
        if (outcome?.status === 'fulfilled') resolve(outcome.value);
        else reject(outcome?.reason);
      }
    } catch (error) {
      for (const { reject } of calls) reject(error);
    }
  };

  return (item) =>
    new Promise<O>((resolve, reject) => {
      if (waiting.length === 0) setImmediate(() => waiting.length > 0 && void start());
      waiting.push({ item, resolve, reject });
      if (waiting.length >= limit) void start();
    });
}

export const fulfilled = <O>(value: O): PromiseFulfilledResult<O> => ({ status: 'fulfilled', value });
