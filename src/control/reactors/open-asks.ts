/** Commands to a thread or a child pool that are answered by a report. */

/** The report that answers a command of kind `answer`. */
export type AnswerOf<Report, Kind> = Extract<Report, { readonly kind: Kind }>

/**
 * Commands that are not answered yet, by the kind of report that answers them. At most one of a kind is open: a later
 * one replaces it.
 */
export class OpenAsks<Report extends { readonly kind: string }> {
  readonly #settlers = new Map<string, (report: Report | undefined) => void>()
  /** The other side is gone: asks are settled at once. */
  #isClosed = false

  /** Settles with the next report of this kind; with undefined when another ask replaces it, or after `close`. */
  open<Kind extends Report['kind']>(answer: Kind): Promise<AnswerOf<Report, Kind> | undefined> {
    this.#settle(answer, undefined)
    if (this.#isClosed) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      this.#settlers.set(answer, (report) => resolve(report as AnswerOf<Report, Kind> | undefined))
    })
  }

  /** Whether the report is an answer that was waited for. */
  answered(report: Report): boolean {
    return this.#settle(report.kind, report)
  }

  /** No report will come any more. */
  close(): void {
    this.#isClosed = true
    for (const kind of [...this.#settlers.keys()]) this.#settle(kind, undefined)
  }

  #settle(kind: string, report: Report | undefined): boolean {
    const settle = this.#settlers.get(kind)
    this.#settlers.delete(kind)
    settle?.(report)
    return settle !== undefined
  }
}
