/** `fail after`: so many failures within so much time exclude a remote. */
export interface FailAfter {
  /** At least 1. */
  readonly count: number
  readonly withinMs: number
}
