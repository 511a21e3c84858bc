/** Exit codes: those of the original, which uses sysexits(3). */

export const EXIT_OK = 0
/** Of `mavis-test`: the client would be rejected. */
export const EXIT_NOT_PERMITTED = 1
export const EXIT_USAGE = 64
export const EXIT_NO_INPUT = 66
export const EXIT_UNAVAILABLE = 69
/** An internal error. */
export const EXIT_SOFTWARE = 70
export const EXIT_OS = 71
export const EXIT_CANNOT_CREATE = 73
/** No listener could be bound. */
export const EXIT_TEMPORARY = 75
/** A child lacks the permission to switch to the configured user or group. */
export const EXIT_NO_PERMISSION = 77
export const EXIT_CONFIG = 78
