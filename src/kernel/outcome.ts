/** The argument and result types of system calls. */

/** A file descriptor. */
export type Fd = number

/** Zero or positive: the result of the call (a count, a descriptor, 0). Negative: a negated errno. */
export type Outcome = number
