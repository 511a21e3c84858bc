/** What the worker thread of a reactor is started with. The control thread's end is `control/reactor-thread.ts`. */
export interface ThreadData<Settings> {
  readonly settings: Settings
  /** An eventfd that is written after each posted command. The control thread owns it. */
  readonly wakeFd: number
}
