/**
 * A sync reader asks for what changed up to `settlingMs` ago. A write becomes visible after its time was taken, so a
 * reader that went right up to now could pass a write that is still under way, and never see it. The settling time is
 * longer than a write takes. What takes longer does not slip by:
 *
 * - A change that reaches the server more than `slowWriteMs` after its time was taken is not made (see update).
 * - A write that is answered after more than `slowWriteMs` is stamped again, now that it is visible, before its caller
 *   hears of it; one that is not answered at all, once the server answers again (see doubts).
 * - An insert whose writer died meanwhile is known by the server's own time in it, which is later than its stamp by
 *   `lateStoreMs` at least; whoever comes across it, a retry or the sweep, stamps it again.
 */
export const settlingMs = 1_500;
export const slowWriteMs = 1_000;
/** The server's time in a record is in whole seconds, cut off: what was stored 1.4 s late shows 0.4 s at least. */
export const lateStoreMs = 400;
