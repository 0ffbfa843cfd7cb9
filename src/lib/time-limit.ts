/** The promise's outcome, or a rejection when it takes longer. What the promise stands for goes on. */
export function withinTime<T>(
  promise: Promise<T>,
  limitMs: number,
  tooLate: () => Error = () => new Error(`No answer within ${limitMs} ms`),
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooLate()), limitMs);
  });
  return Promise.race([promise, limit]).finally(() => clearTimeout(timer));
}
