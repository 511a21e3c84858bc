/** Exit codes of the original, which are those of sysexits(3). */
export const EXIT_OK = 0
/** Of `mavis-test`: the client would not be let in. */
export const EXIT_NOT_PERMITTED = 1
export const EXIT_USAGE = 64
export const EXIT_NO_INPUT = 66
export const EXIT_UNAVAILABLE = 69
/** Something that the program itself rules out has happened. */
export const EXIT_SOFTWARE = 70
export const EXIT_OS = 71
export const EXIT_CANNOT_CREATE = 73
/** No listener could be bound. */
export const EXIT_TEMPORARY = 75
/** A child may not become the user or the group of the configuration. */
export const EXIT_NO_PERMISSION = 77
export const EXIT_CONFIG = 78
