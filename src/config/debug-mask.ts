/** The debug mask: names of its bits, and the steps that set and clear them. */
import { refuseWord } from './expectation.js'
import { parseCount, UINT_MAX } from './number-types.js'
import type { Token } from './token.js'
import { readOne, type ValueType } from './value-type.js'

/** The bits of the debug mask, with the names and numbers of the original; `-d` takes their sum. */
export const DEBUG_BITS: Readonly<Record<string, number>> = {
  PARSE: 1,
  AUTHOR: 2,
  AUTHEN: 4,
  ACCT: 8,
  CONFIG: 16,
  PACKET: 32,
  HEX: 64,
  LOCK: 128,
  REGEX: 256,
  ACL: 512,
  RADIUS: 1024,
  CMD: 2048,
  BUFFER: 4096,
  PROC: 8192,
  NET: 16_384,
  PATH: 32_768,
  CONTROL: 65_536,
  INDEX: 131_072,
  AV: 262_144,
  MAVIS: 524_288,
  DNS: 1_048_576,
  LWRES: 1_048_576,
  USERINPUT: 2_097_152,
  NONE: 0,
  ALL: 0x7f9f_ffff, // all but USERINPUT (may show passwords), bit 22 and bit 31
}

/** Sets or clears bits of the mask, or clears all of them. */
export interface DebugStep {
  readonly bits: number
  readonly isOff: boolean
  readonly isReset: boolean
}

/** One or more of: a number, a word, `+word`, `-word`. Ends at the first other token. */
export const debugSteps: ValueType<readonly DebugStep[]> = {
  grammar: 'ITEM…',
  read(input) {
    const parse = ({ text }: Token) => parseStep(text) ?? refuseWord(Object.keys(DEBUG_BITS), text)
    const first = readOne(input, 'a word or number of the debug mask', parse)
    if (first === undefined) return undefined
    const steps = [first]
    for (let step = nextStep(input.tokens.peek()); step !== undefined; ) {
      steps.push(step)
      input.tokens.next()
      step = nextStep(input.tokens.peek())
    }
    return steps
  },
}

export function applyDebugSteps(mask: number, steps: readonly DebugStep[]): number {
  return steps.reduce((now, { bits, isOff, isReset }) => {
    if (isReset) return 0
    // `>>> 0`: bit 31 would make the result negative.
    return (isOff ? now & ~bits : now | bits) >>> 0
  }, mask)
}

function nextStep(token: Token): DebugStep | undefined {
  return token.kind === 'word' ? parseStep(token.text) : undefined
}

function parseStep(text: string): DebugStep | undefined {
  const number = parseCount(text)
  if (number !== undefined && number >= 0 && number <= UINT_MAX)
    return { bits: number, isOff: false, isReset: false }
  const word = text.replace(/^[+-]/, '').toUpperCase()
  const bits = Object.hasOwn(DEBUG_BITS, word) ? DEBUG_BITS[word] : undefined
  if (bits === undefined) return undefined
  return { bits, isOff: text.startsWith('-'), isReset: word === 'NONE' }
}
