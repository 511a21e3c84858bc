/** Results of looking up and using the entry of a key in the table of a limit (`cells/limit-table.ts`). */

/** No entry. */
export const UNTRACKED = -1

/** Results of taking a place. */
export const TAKEN = 0
export const FULL = 1
/** The entry belongs to another key by now. */
export const MOVED = 2
export type Taking = typeof TAKEN | typeof FULL | typeof MOVED
