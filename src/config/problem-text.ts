/** Renders problems for a terminal: message, line, marker and hint. */
import { formatProblem } from '../base/problem.js'
import { printable } from './expectation.js'
import type { ConfigProblem } from './problems.js'
import type { Sources } from './sources.js'

/** A longer line is cut to this many characters around the position, of which at most so many before it. */
const LINE_SHOWN_MAX = 160
const BEFORE_PLACE_MAX = 60

/** For each problem: position, message, the line, a marker below the position, and the hint. */
export function renderProblems(problems: readonly ConfigProblem[], sources: Sources): string {
  // Each file is decoded once, however many problems it has.
  const linesOf = new Map<string, readonly string[]>()
  const rendered = problems.map((problem) => {
    const { file, line } = problem.position
    const lines = linesOf.get(file) ?? readLines(file, sources)
    linesOf.set(file, lines)
    return renderProblem(problem, lines[line - 1])
  })
  return rendered.join('')
}

function renderProblem(problem: ConfigProblem, line: string | undefined): string {
  const head = `${printable(formatProblem(problem))}\n`
  const hint = problem.hint === undefined ? '' : ` ${printable(problem.hint)}`
  if (line === undefined) return hint === '' ? head : `${head} ${hint}\n`
  const { text, ruler } = excerpt(line, problem.position.column)
  return `${head}  ${text}\n  ${ruler}${hint}\n`
}

/** The part of a line around a column (in characters, from 1), and the marker line below it. */
function excerpt(line: string, column: number): { text: string; ruler: string } {
  // Bounds the work for lines of megabytes; a character takes at most two UTF-16 units.
  const characters = [...line.slice(0, (column + LINE_SHOWN_MAX) * 2)]
  const place = column - 1
  const start = place > BEFORE_PLACE_MAX && characters.length > LINE_SHOWN_MAX ? place - BEFORE_PLACE_MAX : 0
  const shownCharacters = characters.slice(start, start + LINE_SHOWN_MAX)
  const before = shownCharacters.slice(0, place - start)
  const marked = tokenLength(shownCharacters.slice(place - start).join(''))
  // Tabs are kept, so that the marker is aligned whatever the width of a tab.
  const pad = before.map((character) => (character === '\t' ? '\t' : blankFor(character))).join('')
  const isCut = characters.length > start + LINE_SHOWN_MAX
  const text = `${start > 0 ? '…' : ''}${printableLine(shownCharacters.join(''))}${isCut ? '…' : ''}`
  return { text, ruler: `${start > 0 ? ' ' : ''}${pad}${'^'.repeat(Math.max(1, marked))}` }
}

/** Blanks as wide as the character on a terminal: two for East Asian characters, none for combining marks. */
function blankFor(character: string): string {
  if (/\p{Mn}/u.test(character)) return ''
  return /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/.test(
    character,
  )
    ? '  '
    : ' '
}

/** Length in characters of the token at the start of a text. */
function tokenLength(text: string): number {
  const [token = ''] = /^(?:"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[^\s={}()[\],!&|"']+)/.exec(text) ?? []
  return [...token].length
}

function printableLine(text: string): string {
  return text.split('\t').map(printable).join('\t')
}

function readLines(file: string, sources: Sources): readonly string[] {
  const answer = sources.read(file)
  if (!answer.ok) return []
  return new TextDecoder()
    .decode(answer.bytes)
    .split('\n')
    .map((line) => line.replace(/\r$/, ''))
}
