/** Sets of bytes, as bracket expressions and escapes of patterns need them: `[a-z]`, `[[:alpha:]]`, `\d`. */
export type ByteRanges = readonly (readonly [first: number, last: number])[]

// Values of MAVIS are bytes, not characters.
const BYTE_MAX = 0xff

/** Ranges of `[[:NAME:]]`: each pair of characters is the first and the last of a range. */
const CLASSES: Readonly<Record<string, string>> = {
  alpha: 'AZaz',
  digit: '09',
  alnum: 'AZaz09',
  upper: 'AZ',
  lower: 'az',
  space: '\t\r  ',
  blank: '\t\t  ',
  punct: '!/:@[`{~',
  print: ' ~',
  graph: '!~',
  cntrl: '\0\x1f\x7f\x7f',
  xdigit: '09AFaf',
  word: 'AZaz09__',
}

/** Classes of `\d` and the like; an upper-case letter is the complement. */
const ESCAPES: Readonly<Record<string, string>> = { d: 'digit', w: 'word', s: 'space', h: 'blank' }

export const CLASS_NAMES = Object.keys(CLASSES)

export function namedClass(name: string): ByteRanges | undefined {
  const pairs = Object.hasOwn(CLASSES, name) ? CLASSES[name] : undefined
  return pairs === undefined ? undefined : rangesOf(pairs)
}

/** The bytes of the class that a backslash and this letter denote. */
export function escapedClass(letter: string): ByteRanges | undefined {
  const name = ESCAPES[letter.toLowerCase()]
  const ranges = name === undefined ? undefined : namedClass(name)
  return ranges !== undefined && letter !== letter.toLowerCase() ? othersThan(ranges) : ranges
}

/** Formats the inside of `[…]` for JavaScript; with `ignoresCase` letters in both cases. */
export function formatRanges(ranges: ByteRanges, ignoresCase: boolean): string {
  const all = ignoresCase ? ranges.flatMap(withOtherCase) : ranges
  return all
    .map(([first, last]) => (first === last ? formatByte(first) : `${formatByte(first)}-${formatByte(last)}`))
    .join('')
}

/** Formats a byte so that it is literal anywhere in a JavaScript pattern. */
export function formatByte(byte: number): string {
  const character = String.fromCharCode(byte)
  return /[A-Za-z0-9_ ]/.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`
}

function rangesOf(pairs: string): ByteRanges {
  return (pairs.match(/../gs) ?? []).map((pair) => [pair.charCodeAt(0), pair.charCodeAt(1)])
}

/** The complement within 0 to 255. */
function othersThan(ranges: ByteRanges): ByteRanges {
  const others: [number, number][] = []
  let from = 0
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    if (first > from) others.push([from, first - 1])
    from = last + 1
  }
  return from <= BYTE_MAX ? [...others, [from, BYTE_MAX]] : others
}

/** The range, and its letters in the other case. */
function withOtherCase([first, last]: readonly [number, number]): ByteRanges {
  const shifted = (from: string, to: string, by: number): ByteRanges => {
    const [low, high] = [Math.max(first, from.charCodeAt(0)), Math.min(last, to.charCodeAt(0))]
    return low <= high ? [[low + by, high + by]] : []
  }
  return [[first, last], ...shifted('A', 'Z', 32), ...shifted('a', 'z', -32)]
}
