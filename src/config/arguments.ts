/** The parsed command line of a process. `cli/arguments.ts` parses it; plan and control read it. */
export interface Arguments {
  /** A path, or an http(s) URL. */
  readonly configuration: string
  /** The last argument: the id of the master's section. */
  readonly id: string | undefined
  readonly isCheckOnly: boolean
  /** -d: mask of TRACE_BITS. */
  readonly debugMask: number
  readonly isDebugOnStderr: boolean
  /** -i and -I: ids of the sections. */
  readonly childId: string | undefined
  readonly masterId: string | undefined
  readonly pidfile: string | undefined
  /** -b: true, -f: false; undefined: the configuration decides. */
  readonly background: boolean | undefined
  readonly isSingleProcess: boolean
  /** -t, which overrides `grace period`. */
  readonly gracePeriodS: number | undefined
}
