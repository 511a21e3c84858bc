/** What a configuration says of each type of health check, and what a check finds: plain data. */
import type { ProbeName } from '../base/probe-names.js'

/** A check by its type, with the options of the type. */
export type ProbeCheck =
  | { readonly type: 'tcp' }
  /** A certificate that expires sooner is a warning. */
  | { readonly type: 'tls'; readonly expiresWithinMs: number }

export type CheckOf<N extends ProbeName> = Extract<ProbeCheck, { readonly type: N }>

/** What a check that succeeded has found. */
export interface ProbeFinding {
  /** Part of a log line; '' if there is nothing to say. */
  readonly text: string
  /** Something that is right now and will not be for long. */
  readonly warning?: string
}
