/** The head's verdict on a remote, as numbers: the table `verdict` of the cells. */

export const UP = 0
/** The last attempts of sessions failed. Each worker decides by its own back-off when it tries the remote again. */
export const DOWN = 1
/** Gets no client of any worker: a health check failed, or too many sessions. */
export const EXCLUDED = 2
