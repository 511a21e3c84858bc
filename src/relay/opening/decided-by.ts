/** What chose the pool of a session, where it is not the index of a route. */

/** No route matches, or there are none. */
export const BY_DEFAULT = -1
export const BY_LISTENER = -2
