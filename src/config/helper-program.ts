/** Value type for a program with its arguments. */
import { basename } from 'node:path/posix'
import { refuseWord, shown } from './expectation.js'
import { checkExecutable } from './file-types.js'
import { isPunctuation, isText, type Token } from './token.js'
import { readOne, type ValueInput, type ValueType } from './value-type.js'

/** A program, as execve(2) takes it. */
export interface Command {
  readonly path: string
  /** argv, beginning with argv[0]. */
  readonly words: readonly string[]
}

/** `PATH [ARGV0 ARG …]`, up to an unquoted word that begins one of the `directives`. */
export function command(directives: readonly string[]): ValueType<Command> {
  return {
    grammar: 'PATH [ARGV0 ARG…]',
    read(input) {
      const { tokens } = input
      const path = readOne(input, 'the path of a program', ({ text }) =>
        checkExecutable(tokens.inConfigurationFolder(text), input),
      )
      if (path === undefined) return undefined
      const words = readWords(input, directives)
      if (words === undefined) return undefined
      checkOwnName(path, words, input)
      const texts = words.map(({ text }) => text)
      // Without words, argv[0] is the path, as with exec(3).
      return { path, words: texts.length === 0 ? [path] : texts }
    },
  }
}

function readWords({ problems, tokens }: ValueInput, directives: readonly string[]): Token[] | undefined {
  const words: Token[] = []
  let lineStart: Token | undefined
  for (let next = tokens.peek(); isText(next) && !isDirective(next, directives); next = tokens.peek()) {
    // Remembered, because arguments may span lines: only what follows shows whether it was a directive.
    if (tokens.isOnNewLine(next)) lineStart = next.kind === 'word' ? next : undefined
    words.push(tokens.next())
  }
  const after = tokens.peek()
  if (lineStart === undefined && touches(words.at(-1), after)) {
    problems.error(after.position, `an argument that contains ${shown(after.text)} must be quoted`)
    return undefined
  }
  // Arguments are never followed by `=`: the word at the start of the line must be a misspelled directive.
  if (lineStart === undefined || !isPunctuation(after, '=')) return words
  const { hint, message } = refuseWord(directives, lineStart.text)
  problems.error(lineStart.position, message, { hint })
  return undefined
}

/** Warns about a first word that looks like an argument but is taken as argv[0]. */
function checkOwnName(path: string, [first]: readonly Token[], { problems }: ValueInput): void {
  if (first === undefined || !/^[-/]/.test(first.text)) return
  const name = basename(path)
  // `-sh` is the convention for a login shell.
  if (basename(first.text) === name || first.text === `-${name}`) return
  const message = `${shown(first.text)} is used as the name of the program (argv[0]), not as an argument`
  problems.warn(first.position, message, { hint: `write ${shown(`${name} ${first.text}`)}` })
}

/** Whether the second token, which ends the arguments, directly follows the first and so probably belongs to it. */
function touches(last: Token | undefined, { kind, position, text }: Token): boolean {
  if (last?.kind !== 'word' || kind !== 'punctuation' || text === '}') return false
  const { column, file, line } = last.position
  return file === position.file && line === position.line && column + last.text.length === position.column
}

function isDirective({ kind, text }: Token, directives: readonly string[]): boolean {
  return kind === 'word' && directives.includes(text)
}
