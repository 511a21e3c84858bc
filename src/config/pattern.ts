/** Compiles POSIX and Perl patterns to regular expressions of JavaScript on byte strings. */
import { byteString } from '../base/byte-string.js'
import {
  type ByteRanges,
  CLASS_NAMES,
  escapedClass,
  formatByte,
  formatRanges,
  namedClass,
} from './byte-set.js'
import { Refusal, refuseWord, shown } from './expectation.js'

/** POSIX extended regular expressions, or the subset of Perl's (PCRE) that JavaScript can express. */
export type Dialect = 'posix' | 'perl'

/** The limit of PCRE; for POSIX patterns, too, whose RE_DUP_MAX is lower. */
const REPEATS_MAX = 65_535
const REPEAT = /^\{(\d{1,9})(?:(,)(\d{1,9})?)?\}/
/** `(?i)` and `(?i-s:`; the last group is `:` if the flags are those of a group. */
const FLAGS = /^\?([ims]*)(?:-([ims]*))?([:)])/
/** The name is dropped: groups are only referred to by their numbers. */
const NAMED_GROUP = /^\?P?<([A-Za-z_]\w*)>/
const LOOKS = /^\?(?:=|!|<=|<!)/
const SINGLE_ESCAPES: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, f: 12, e: 27, a: 7 }
/**
 * Assertions at the ends of the text. Ends of lines are plain `^` and `$`, which V8's linear-time engine supports.
 */
const TEXT_START = '(?<![^])'
const TEXT_END = '(?![^])'
const LAST_LINE_END = '(?=\\n?(?![^]))'

interface Flags {
  readonly ignoresCase: boolean
  /** Whether `^` and `$` match at the ends of each line. */
  readonly isOfLines: boolean
  /** Whether `.` matches line ends. */
  readonly isDotAll: boolean
}

/** An error in a pattern, thrown by the translation and caught by `compilePattern`. */
class Flaw extends Error {}

/**
 * Compiles a pattern for byte strings. Every construct is translated explicitly, so that it means the same as in the
 * original; unknown constructs are rejected.
 */
export function compilePattern(text: string, dialect: Dialect, ignoresCase: boolean): RegExp | Refusal {
  try {
    // With `m`, `^` and `$` match at the ends of lines, which the translation relies on.
    const pattern = new RegExp(new Translation(text, dialect, ignoresCase).translate(), 'm')
    pattern.test('') // V8 reports a pattern that is too large only when it is used
    return pattern
  } catch (error) {
    if (error instanceof Flaw) return new Refusal(`${error.message} in the pattern ${shown(text)}`)
    return new Refusal(`the pattern ${shown(text)} is too large`)
  }
}

class Translation {
  /** By characters, not UTF-16 units: one outside of ASCII becomes a group of its bytes. */
  readonly #characters: readonly string[]
  readonly #isPosix: boolean
  #at = 0
  #output = ''
  #flags: Flags
  /** For each open group: the flags outside of it, and whether it may be repeated. */
  readonly #open: { readonly flags: Flags; readonly mayRepeat: boolean }[] = []
  #groups = 0
  /** The highest back-reference: a group may follow it, so it is checked at the end. */
  #groupReferred = 0
  /** Whether the last item may be repeated. */
  #mayRepeat = false

  constructor(text: string, dialect: Dialect, ignoresCase: boolean) {
    this.#characters = [...text]
    this.#isPosix = dialect === 'posix'
    this.#flags = { ignoresCase, isOfLines: true, isDotAll: false }
  }

  translate(): string {
    for (let next = this.#take(); next !== undefined; next = this.#take()) this.#translate(next)
    if (this.#open.length > 0) throw new Flaw("unmatched '('")
    if (this.#groupReferred > this.#groups) throw new Flaw(`unknown group ${this.#groupReferred}`)
    return this.#output
  }

  #take(): string | undefined {
    return this.#characters[this.#at++]
  }

  /** Consumes what the expression matches at the current position. */
  #takeMatch(expression: RegExp): RegExpExecArray | undefined {
    // 80 characters are enough for the longest construct, and bound the work for each.
    const found = expression.exec(this.#characters.slice(this.#at, this.#at + 80).join(''))
    if (found !== null) this.#at += found[0].length
    return found ?? undefined
  }

  #emit(piece: string, mayRepeat: boolean): void {
    this.#output += piece
    this.#mayRepeat = mayRepeat
  }

  #translate(character: string): void {
    const { isDotAll, isOfLines } = this.#flags
    if (character === '(') this.#openGroup()
    else if (character === ')') this.#closeGroup()
    else if (character === '[') this.#translateBrackets()
    else if (character === '\\') this.#translateEscape()
    else if (character === '.') this.#emit(isDotAll ? '[^]' : '[^\\n]', true)
    else if (character === '^') this.#emit(isOfLines ? '^' : TEXT_START, false)
    else if (character === '$') this.#emit(isOfLines ? '$' : LAST_LINE_END, false)
    else if (character === '|') this.#emit('|', false)
    else if ('*+?{'.includes(character)) this.#translateRepeat(character)
    else this.#emit(this.#literal(character), true)
  }

  #literal(character: string): string {
    const code = character.codePointAt(0) ?? 0
    // A group, so that a repetition applies to all of its bytes.
    if (code > 0x7f)
      return `(?:${[...byteString(character)].map((byte) => formatByte(byte.charCodeAt(0))).join('')})`
    return this.#oneByte(code)
  }

  #oneByte(byte: number): string {
    const isLetter = /[A-Za-z]/.test(String.fromCharCode(byte))
    return isLetter && this.#flags.ignoresCase ? `[${formatRanges([[byte, byte]], true)}]` : formatByte(byte)
  }

  #translateRepeat(character: string): void {
    let repeat = character
    if (character === '{') {
      this.#at -= 1
      const [found, least = '', , most = least] = this.#takeMatch(REPEAT) ?? []
      // As in PCRE, a brace that begins no repetition is literal.
      if (found === undefined) {
        this.#at += 1
        this.#emit('\\{', true)
        return
      }
      if (
        Number(least) > REPEATS_MAX ||
        Number(most) > REPEATS_MAX ||
        (most !== '' && Number(most) < Number(least))
      )
        throw new Flaw(`${shown(found)} is not a valid repetition`)
      repeat = found
    }
    if (!this.#mayRepeat) throw new Flaw(`nothing to repeat before ${shown(repeat)}`)
    const isLazy = !this.#isPosix && this.#takeMatch(/^\?/) !== undefined
    // Possessive: JavaScript has no equivalent.
    if (!this.#isPosix && this.#takeMatch(/^\+/) !== undefined) throw unknown(`${repeat}+`)
    this.#emit(isLazy ? `${repeat}?` : repeat, false)
  }

  #openGroup(): void {
    const isSpecial = !this.#isPosix && /[?*]/.test(this.#characters[this.#at] ?? '')
    if (!isSpecial) {
      this.#groups += 1
      this.#pushGroup('(', true)
      return
    }
    // A comment.
    if (this.#takeMatch(/^\?#[^)]*\)/) !== undefined) return
    const look = this.#takeMatch(LOOKS)
    if (look !== undefined) {
      // JavaScript allows repetitions of some lookarounds only.
      this.#pushGroup(`(${look[0]}`, false)
      return
    }
    if (this.#takeMatch(NAMED_GROUP) !== undefined) {
      this.#groups += 1
      this.#pushGroup('(', true)
      return
    }
    const found = this.#takeMatch(FLAGS)
    if (found === undefined) throw unknown(`(${this.#characters.slice(this.#at, this.#at + 3).join('')}`)
    const [, on = '', off = '', end] = found
    if (end === ':') this.#pushGroup('(?:', true)
    // `(?i)` without a colon applies up to the end of the enclosing group, whose `)` restores the flags.
    this.#flags = withFlags(withFlags(this.#flags, on, true), off, false)
  }

  #pushGroup(opening: string, mayRepeat: boolean): void {
    this.#open.push({ flags: this.#flags, mayRepeat })
    this.#emit(opening, false)
  }

  #closeGroup(): void {
    const group = this.#open.pop()
    if (group === undefined) throw new Flaw("unmatched ')'")
    this.#flags = group.flags
    this.#emit(')', group.mayRepeat)
  }

  #translateEscape(): void {
    const letter = this.#take()
    if (letter === undefined) throw new Flaw('trailing backslash')
    const ranges = this.#isPosix && /[dDhH]/.test(letter) ? undefined : escapedClass(letter)
    if (ranges !== undefined) this.#emit(`[${formatRanges(ranges, false)}]`, true)
    else if (letter === 'b' || letter === 'B') this.#emit(`\\${letter}`, false)
    else if (/[1-9]/.test(letter)) this.#refer(letter)
    else if (this.#isPosix) this.#translatePosixEscape(letter)
    else if (letter === 'A') this.#emit(TEXT_START, false)
    else if (letter === 'z') this.#emit(TEXT_END, false)
    else if (letter === 'Z') this.#emit(LAST_LINE_END, false)
    else this.#emit(this.#escapedLiteral(letter), true)
  }

  #translatePosixEscape(letter: string): void {
    if (letter === '<') this.#emit('\\b(?=\\w)', false)
    else if (letter === '>') this.#emit('\\b(?<=\\w)', false)
    else if (/[A-Za-z0]/.test(letter)) throw unknown(`\\${letter}`)
    else this.#emit(this.#literal(letter), true)
  }

  #refer(digit: string): void {
    const number = Number(digit + (this.#takeMatch(/^\d/)?.[0] ?? ''))
    this.#groupReferred = Math.max(this.#groupReferred, number)
    // In a group, so that a digit that follows does not extend the number.
    this.#emit(`(?:\\${number})`, true)
  }

  #escapedLiteral(letter: string): string {
    return /[A-Za-z0]/.test(letter) ? this.#oneByte(this.#escapedByte(letter)) : this.#literal(letter)
  }

  /** The byte of `\n`, `\x1f`, `\x{1f}`, `\012`, after the letter has been consumed. */
  #escapedByte(letter: string): number {
    const single = Object.hasOwn(SINGLE_ESCAPES, letter) ? SINGLE_ESCAPES[letter] : undefined
    if (single !== undefined) return single
    const octal = letter === '0' ? this.#takeMatch(/^[0-7]{0,2}/) : undefined
    if (octal !== undefined) return Number.parseInt(`0${octal[0]}`, 8)
    const hex = letter === 'x' ? this.#takeMatch(/^(?:\{([0-9A-Fa-f]{1,2})\}|([0-9A-Fa-f]{1,2}))/) : undefined
    if (hex === undefined) throw unknown(`\\${letter}`)
    return Number.parseInt(hex[1] ?? hex[2] ?? '', 16)
  }

  #translateBrackets(): void {
    const isNegated = this.#takeMatch(/^\^/) !== undefined
    const ranges: (readonly [number, number])[] = []
    for (let isFirst = true; ; isFirst = false) {
      const character = this.#take()
      if (character === undefined) throw new Flaw("unmatched '['")
      if (character === ']' && !isFirst) break
      ranges.push(...this.#bracketItem(character))
    }
    // As with REG_NEWLINE, a negated list never matches a line end.
    if (isNegated && this.#isPosix) ranges.push([10, 10])
    this.#emit(`[${isNegated ? '^' : ''}${formatRanges(ranges, this.#flags.ignoresCase)}]`, true)
  }

  /** A class, a character, or a range of characters. */
  #bracketItem(character: string): ByteRanges {
    const first = this.#bracketMember(character)
    if (typeof first !== 'number') return first
    const [dash, after] = this.#characters.slice(this.#at, this.#at + 2)
    // A dash before the closing bracket is a member.
    if (dash !== '-' || after === ']' || after === undefined) return [[first, first]]
    this.#at += 1
    const last = this.#bracketMember(this.#take() ?? '')
    if (typeof last !== 'number' || last < first) throw new Flaw("reversed range in '[ ]'")
    return [[first, last]]
  }

  #bracketMember(character: string): ByteRanges | number {
    if (character === '[' && /[:.=]/.test(this.#characters[this.#at] ?? '')) return this.#namedClass()
    if (character === '\\' && !this.#isPosix) {
      const letter = this.#take()
      if (letter === undefined) throw new Flaw("unmatched '['")
      const ranges = escapedClass(letter)
      if (ranges !== undefined) return ranges
      // Within brackets `\b` is the backspace.
      if (letter === 'b') return 8
      if (/[A-Za-z0]/.test(letter)) return this.#escapedByte(letter)
      return this.#ascii(letter)
    }
    return this.#ascii(character)
  }

  #namedClass(): ByteRanges {
    // Collating symbols and equivalence classes (`[.a.]`, `[=a=]`) are no class names, and are rejected.
    const [, name = ''] = this.#takeMatch(/^:(\w*):\]/) ?? []
    const ranges = namedClass(name)
    if (ranges === undefined) throw new Flaw(refuseWord(CLASS_NAMES, name).message)
    return ranges
  }

  #ascii(character: string): number {
    const code = character.codePointAt(0) ?? 0
    if (code > 0x7f) throw new Flaw("non-ASCII character in '[ ]'")
    return code
  }
}

function unknown(piece: string): Flaw {
  return new Flaw(`unsupported construct ${shown(piece)}`)
}

function withFlags(flags: Flags, letters: string, isOn: boolean): Flags {
  return {
    ignoresCase: letters.includes('i') ? isOn : flags.ignoresCase,
    isOfLines: letters.includes('m') ? isOn : flags.isOfLines,
    isDotAll: letters.includes('s') ? isOn : flags.isDotAll,
  }
}
