import type { ProbeAdvice } from './probe-checks.js'

/** Why a remote did not pass its check. The message is the part of a log line behind `is down: `. */
export class ProbeFailure extends Error {
  override readonly name = 'ProbeFailure'
  /** What the remote wants all the same. */
  readonly advice: ProbeAdvice | undefined

  constructor(reason: string, advice?: ProbeAdvice) {
    super(reason)
    this.advice = advice
  }
}
