/** Shell patterns of `include` and path directives: braces, `*`, `?`, `[…]`. */

/** Limit of the alternatives that one pattern expands to: nested braces multiply. */
const ALTERNATIVES_MAX = 1000

/**
 * Expands `a{b,c}d` to `abd` and `acd`, nested braces too. Unmatched braces, and those beyond the limit, are kept as
 * literal characters.
 */
export function expandBraces(pattern: string): readonly string[] {
  const done: string[] = []
  const open = [pattern]
  while (open.length > 0 && open.length + done.length <= ALTERNATIVES_MAX) {
    const next = open.shift() ?? ''
    const alternatives = firstBraces(next)
    if (alternatives === undefined) done.push(next)
    else open.unshift(...alternatives)
  }
  return [...done, ...open]
}

/** Whether a segment of a path contains wildcards. */
export function isGlob(segment: string): boolean {
  return /[*?[]/.test(segment)
}

/**
 * Whether a file name matches one segment of a pattern. Backtracks to the last star only: at worst O(name × segment).
 */
export function matchesGlob(name: string, segment: string): boolean {
  // As in a shell, a wildcard does not match a leading dot (glob(7)).
  if (name.startsWith('.') && !segment.startsWith('.')) return false
  const characters = [...name]
  const parts = splitSegment(segment)
  let at = 0
  let part = 0
  let lastStar = -1
  let starAt = 0
  while (at < characters.length) {
    if (parts[part] === '*') {
      lastStar = part++
      starAt = at
    } else if (part < parts.length && matchesOne(characters[at] ?? '', parts[part] ?? '')) {
      at += 1
      part += 1
    } else if (lastStar >= 0) {
      // The last star takes one more character. Earlier stars need not change: it can take whatever they
      // would leave.
      part = lastStar + 1
      at = ++starAt
    } else return false
  }
  return parts.slice(part).every((rest) => rest === '*')
}

/** The alternatives of the first pair of braces, each with the text before and after them. */
function firstBraces(pattern: string): readonly string[] | undefined {
  for (let open = pattern.indexOf('{'); open >= 0; open = pattern.indexOf('{', open + 1)) {
    const cuts = [open]
    let depth = 0
    for (let at = open; at < pattern.length; at++) {
      if (pattern[at] === '{') depth += 1
      if (pattern[at] === ',' && depth === 1) cuts.push(at)
      if (pattern[at] !== '}' || --depth > 0) continue
      const ends = [...cuts.slice(1), at]
      return ends.map(
        (end, index) =>
          pattern.slice(0, open) + pattern.slice((cuts[index] ?? 0) + 1, end) + pattern.slice(at + 1),
      )
    }
  }
  return undefined
}

/** Splits into single characters, `?`, `*`, and sets such as `[a-z]`; an unclosed bracket is a literal character. */
function splitSegment(segment: string): readonly string[] {
  // The first `]` of a set is a member of it (glob(7)).
  return segment.match(/\*+|\[[!^]?\]?[^\]]*\]|./gsu)?.map((part) => (part[0] === '*' ? '*' : part)) ?? []
}

function matchesOne(character: string, part: string): boolean {
  if (part === '?') return true
  if (part.length < 3 || !part.startsWith('[')) return character === part
  const isNegated = part[1] === '!' || part[1] === '^'
  const members = [...part.slice(isNegated ? 2 : 1, -1)]
  for (let i = 0; i < members.length; i++) {
    const low = members[i] ?? ''
    // A `-` at the end of a set is a member of it (glob(7)).
    const isRange = members[i + 1] === '-' && i + 2 < members.length
    const high = isRange ? (members[i + 2] ?? '') : low
    if (character >= low && character <= high) return !isNegated
    if (isRange) i += 2
  }
  return isNegated
}
