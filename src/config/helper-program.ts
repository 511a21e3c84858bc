import { refuseWord } from './expectation.js'
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
      return words && { path, words: words.length === 0 ? [path] : words }
    },
  }
}

function readWords({ problems, tokens }: ValueInput, directives: readonly string[]): string[] | undefined {
  const words: Token[] = []
  let lineStart: Token | undefined
  for (let next = tokens.peek(); isText(next) && !isDirective(next, directives); next = tokens.peek()) {
    if (tokens.isOnNewLine(next)) lineStart = next.kind === 'word' ? next : undefined
    words.push(tokens.next())
  }
  // No `=` follows arguments: what begins the line was meant as a directive.
  if (lineStart === undefined || !isPunctuation(tokens.peek(), '=')) return words.map(({ text }) => text)
  const { hint, message } = refuseWord(directives, lineStart.text)
  problems.error(lineStart.position, message, { hint })
  return undefined
}

function isDirective({ kind, text }: Token, directives: readonly string[]): boolean {
  return kind === 'word' && directives.includes(text)
}
