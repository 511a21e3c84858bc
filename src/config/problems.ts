import { formatProblem, type Position, type Problem } from '../base/problem.js'
import { printable } from './expectation.js'

/** Findings that callers tell apart, because the program's exit code depends on them. */
export type ProblemCode =
  | 'unreadable'
  | 'no-section'
  | 'no-listeners'
  | 'no-remotes'
  | 'cannot-create'
  | 'forbidden'

export interface ConfigProblem extends Problem {
  /** What to do about it, printed beside the ruler. */
  readonly hint?: string | undefined
  readonly code?: ProblemCode | undefined
}

export interface ProblemExtras {
  readonly hint?: string | undefined
  readonly code?: ProblemCode | undefined
}

/** A finding as a line of the log: with what to do, without the line of the file. */
export function problemLine(problem: ConfigProblem): string {
  const { hint } = problem
  return formatProblem(problem) + (hint === undefined ? '' : ` (${printable(hint)})`)
}

/** More findings than this help nobody; reading stops at that many errors. */
const SEVERITY_MAX = 50

/** Collects findings, each once: an alias that is used twice repeats its mistakes. */
export class Problems {
  readonly #found = new Map<string, ConfigProblem>()
  readonly #errorPlaces = new Set<string>()
  readonly #count = { error: 0, warning: 0 }

  get isFull(): boolean {
    return this.#count.error >= SEVERITY_MAX
  }

  hasErrorAt({ file, line, column }: Position): boolean {
    return this.#errorPlaces.has(`${line}:${column}:${file}`)
  }

  error(position: Position, message: string, extras: ProblemExtras = {}): void {
    this.add({ severity: 'error', position, message, ...extras })
  }

  /** An error that is reported at the first place only, however many there are. */
  errorOnce(position: Position, message: string, extras: ProblemExtras = {}): void {
    const isKnown = [...this.#found.values()].some((problem) => problem.message === printable(message))
    if (!isKnown) this.error(position, message, extras)
  }

  warn(position: Position, message: string, extras: ProblemExtras = {}): void {
    this.add({ severity: 'warning', position, message, ...extras })
  }

  /** In reading order: by file as they were first met, then by line and column. */
  sorted(): readonly ConfigProblem[] {
    const found = [...this.#found.values()]
    const files = [...new Set(found.map(({ position }) => position.file))]
    return found.sort(
      ({ position: a }, { position: b }) =>
        files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    )
  }

  /** Notes what others have found, unless it is known. */
  add(problem: ConfigProblem): void {
    const { severity, position, message } = problem
    const key = JSON.stringify([position.file, position.line, position.column, message])
    if (this.#found.has(key) || this.#count[severity] >= SEVERITY_MAX) return
    this.#count[severity] += 1
    if (severity === 'error') this.#errorPlaces.add(`${position.line}:${position.column}:${position.file}`)
    const isLast = this.#count[severity] === SEVERITY_MAX
    const note = isLast ? ` (only the first ${SEVERITY_MAX} ${severity}s are shown)` : ''
    this.#found.set(key, { ...problem, message: printable(message) + note })
  }
}
