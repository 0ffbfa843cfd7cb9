/**
 * A sync reader asks for what changed up to `settlingMs` ago. A write becomes visible after its time was taken, so a
 * reader that went right up to now could pass a write that is still under way, and never see it. The settling time is
 * longer than a write takes; the rare write that took more than `slowWriteMs` is stamped again once it is visible
 * (see restamp), before its caller hears of it.
 */
export const settlingMs = 1_500;
export const slowWriteMs = 1_000;
