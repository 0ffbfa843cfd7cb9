/** The promise's outcome, or a rejection when it takes longer. What the promise stands for goes on. */
export function withinTime<T>(promise: Promise<T>, limitMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([promise, tooLate]).finally(() => clearTimeout(timer));
}
