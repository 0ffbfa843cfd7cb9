import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepRunning } from '../../../src/infra/embedded/keeper.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const makeLog = () => ({ info: vi.fn(), warn: vi.fn(), error: vi.fn() });

function makeChild() {
  let exit = (_reason: string) => {};
  const exited = new Promise<string>((resolve) => {
    exit = resolve;
  });
  return { pid: 1, exited, exit, stop: vi.fn(async () => exit('stopped')) };
}

it('fails when the first start does', async () => {
  const launch = async () => Promise.reject(new Error('no such program'));
  await expect(keepRunning('thing', launch, makeLog())).rejects.toThrow('no such program');
});

it('restarts at once, then ever more slowly, with one line each', async () => {
  const log = makeLog();
  const children = [makeChild(), makeChild()];
  const launch = vi.fn(async () => {
    const child = children[launch.mock.calls.length - 1];
    if (!child) throw new Error('still broken');
    return child;
  });
  const kept = await keepRunning('thing', launch, log);
  children[0]?.exit('signal SIGKILL');
  await vi.advanceTimersByTimeAsync(1);
  expect(launch).toHaveBeenCalledTimes(2);
  expect(log.warn.mock.calls).toEqual([['thing ended by itself (signal SIGKILL); starting it again']]);

  children[1]?.exit('exit code 1');
  await vi.advanceTimersByTimeAsync(199);
  expect(launch).toHaveBeenCalledTimes(2);
  await vi.advanceTimersByTimeAsync(200 + 400 + 800);
  expect(launch).toHaveBeenCalledTimes(5);
  expect(log.error).toHaveBeenLastCalledWith('thing does not start: still broken');
  await vi.advanceTimersByTimeAsync(60_000);
  expect(launch.mock.calls.length).toBeLessThan(20);
  await kept.stop();
});

it('stops the child, and a restart under way as well', async () => {
  const late = makeChild();
  let finishStart = (_child: typeof late) => {};
  const first = makeChild();
  const launch = vi
    .fn()
    .mockResolvedValueOnce(first)
    .mockReturnValueOnce(
      new Promise((resolve) => {
        finishStart = resolve;
      }),
    );
  const kept = await keepRunning('thing', launch, makeLog());
  first.exit('fault');
  await vi.advanceTimersByTimeAsync(1);
  const stopped = kept.stop();
  finishStart(late);
  await stopped;
  expect(late.stop).toHaveBeenCalled();
  expect(launch).toHaveBeenCalledTimes(2);
});
