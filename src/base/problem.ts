/** Errors and warnings about a configuration file, with their place in it. */

/** A place in a configuration file; line and column are counted from 1, the column in characters. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One finding about a configuration. An error prevents the program from starting, a warning does not. */
export interface Problem {
  readonly severity: 'error' | 'warning'
  readonly position: Position
  readonly message: string
}

/** `FILE:LINE:COLUMN: text`, the form of compilers, which editors parse. */
export function formatProblem(problem: Problem): string {
  const { file, line, column } = problem.position
  const mark = problem.severity === 'warning' ? 'warning: ' : ''
  return `${file}:${line}:${column}: ${mark}${problem.message}`
}
