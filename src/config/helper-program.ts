import { basename } from 'node:path/posix'
import { refuseWord, shown } from './expectation.js'
import { checkExecutable } from './file-types.js'
import { isPunctuation, isText, type Token } from './token.js'
import { readOne, type ValueInput, type ValueType } from './value-type.js'

/** A program and its argv. */
export interface Command {
  readonly path: string
  /** The first one is the name that it sees itself by. */
  readonly words: readonly string[]
}

/** `PATH [ARGV0 ARG …]`, up to a bare word that begins one of the `directives`. */
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
      return { path, words: texts.length === 0 ? [path] : texts }
    },
  }
}

function readWords({ problems, tokens }: ValueInput, directives: readonly string[]): Token[] | undefined {
  const words: Token[] = []
  let lineStart: Token | undefined
  for (let next = tokens.peek(); isText(next) && !isDirective(next, directives); next = tokens.peek()) {
    if (tokens.isOnNewLine(next)) lineStart = next.kind === 'word' ? next : undefined
    words.push(tokens.next())
  }
  const after = tokens.peek()
  if (lineStart === undefined && touches(words.at(-1), after)) {
    problems.error(after.position, `an argument with ${shown(after.text)} in it needs quotes`)
    return undefined
  }
  // No `=` follows arguments: what begins the line was meant as a directive.
  if (lineStart === undefined || !isPunctuation(after, '=')) return words
  const { hint, message } = refuseWord(directives, lineStart.text)
  problems.error(lineStart.position, message, { hint })
  return undefined
}

/** The first word is easily taken for the first argument. */
function checkOwnName(path: string, [first]: readonly Token[], { problems }: ValueInput): void {
  if (first === undefined || !/^[-/]/.test(first.text)) return
  const name = basename(path)
  if (basename(first.text) === name || first.text === `-${name}`) return
  const message = `${shown(first.text)} is what the program sees as its own name (argv[0]), not an argument`
  problems.warn(first.position, message, { hint: `write ${shown(`${name} ${first.text}`)}` })
}

/** Whether the second token, which ends the arguments, seems to have been meant as a part of the first. */
function touches(last: Token | undefined, { kind, position, text }: Token): boolean {
  if (last?.kind !== 'word' || kind !== 'punctuation' || text === '}') return false
  const { column, file, line } = last.position
  return file === position.file && line === position.line && column + last.text.length === position.column
}

function isDirective({ kind, text }: Token, directives: readonly string[]): boolean {
  return kind === 'word' && directives.includes(text)
}
