/** The parsed command line of a process. `cli/arguments.ts` parses it; plan and control read it. */
export interface Arguments {
  readonly configuration: string
  /** The last argument: the id of the master's section. */
  readonly id: string | undefined
  readonly isCheckOnly: boolean
  readonly debugMask: number
  readonly isDebugOnStderr: boolean
  readonly childId: string | undefined
  readonly masterId: string | undefined
  readonly pidfile: string | undefined
  /** -b: true, -f: false; undefined: the configuration decides. */
  readonly background: boolean | undefined
  readonly isSingleProcess: boolean
  readonly gracePeriodS: number | undefined
}
