/** What system calls take and answer. */

/** A file descriptor. */
export type Fd = number

/** Zero or more is what the call answers (a count, a descriptor, 0); below zero is a negated errno. */
export type Outcome = number
