/** Problems of a configuration: errors and warnings with positions, hints and codes. */
import { formatProblem, type Position, type Problem } from '../base/problem.js'
import { printable } from './expectation.js'

/** Codes of problems that determine the exit code of the program. */
export type ProblemCode =
  | 'unreadable'
  | 'no-section'
  | 'no-listeners'
  | 'no-remotes'
  | 'cannot-create'
  | 'forbidden'

export interface ConfigProblem extends Problem {
  /** What to do about it, printed next to the marker. */
  readonly hint?: string | undefined
  readonly code?: ProblemCode | undefined
}

export interface ProblemExtras {
  readonly hint?: string | undefined
  readonly code?: ProblemCode | undefined
}

/** A problem as a log line: with its hint, without the line of the file. */
export function problemLine(problem: ConfigProblem): string {
  const { hint } = problem
  return formatProblem(problem) + (hint === undefined ? '' : ` (${printable(hint)})`)
}

/**
 * Maximum number of errors, and of warnings. Parsing stops at the last error: further ones are mostly consequences.
 */
const SEVERITY_MAX = 50

/** Collects problems, each once: an alias that is used twice repeats its errors. */
export class Problems {
  /** By position and message. */
  readonly #found = new Map<string, ConfigProblem>()
  /** Positions with an error: another error there would be a consequence. */
  readonly #errorPlaces = new Set<string>()
  readonly #count = { error: 0, warning: 0 }

  /** The parser ends the input then. */
  get isFull(): boolean {
    return this.#count.error >= SEVERITY_MAX
  }

  hasErrorAt({ file, line, column }: Position): boolean {
    return this.#errorPlaces.has(`${line}:${column}:${file}`)
  }

  error(position: Position, message: string, extras: ProblemExtras = {}): void {
    this.add({ severity: 'error', position, message, ...extras })
  }

  /** Reports an error at its first position only. */
  errorOnce(position: Position, message: string, extras: ProblemExtras = {}): void {
    const isKnown = [...this.#found.values()].some((problem) => problem.message === printable(message))
    if (!isKnown) this.error(position, message, extras)
  }

  warn(position: Position, message: string, extras: ProblemExtras = {}): void {
    this.add({ severity: 'warning', position, message, ...extras })
  }

  /** Sorted by file in order of appearance, then by line and column. */
  sorted(): readonly ConfigProblem[] {
    const found = [...this.#found.values()]
    // The main file comes first: its first problem is usually found before those of includes.
    const files = [...new Set(found.map(({ position }) => position.file))]
    return found.sort(
      ({ position: a }, { position: b }) =>
        files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
    )
  }

  /** Adds a problem, unless it is known already. */
  add(problem: ConfigProblem): void {
    const { severity, position, message } = problem
    const key = JSON.stringify([position.file, position.line, position.column, message])
    if (this.#found.has(key) || this.#count[severity] >= SEVERITY_MAX) return
    this.#count[severity] += 1
    if (severity === 'error') this.#errorPlaces.add(`${position.line}:${position.column}:${position.file}`)
    const isLast = this.#count[severity] === SEVERITY_MAX
    // Only the last problem that is kept says so; later ones are dropped.
    const note = isLast ? ` (only the first ${SEVERITY_MAX} ${severity}s are shown)` : ''
    this.#found.set(key, { ...problem, message: printable(message) + note })
  }
}
