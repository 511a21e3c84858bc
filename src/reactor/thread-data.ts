/** The `workerData` of a reactor thread. The control thread's end is `control/reactors/reactor-thread.ts`. */
export interface ThreadData<Settings> {
  readonly settings: Settings
  /** An eventfd that the control thread owns and writes after each posted command. */
  readonly wakeFd: number
}
