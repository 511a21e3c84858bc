/**
 * Expands a case-insensitive pattern so that it needs no flag `i`: `joe` becomes `[jJ][oO][eE]`. Only ASCII letters have
 * a case, because values are bytes. Undefined for back-references, look-around and forms that are not recognised.
 */
export function expandCase(source: string): string | undefined {
  let written = ''
  for (let at = 0; at < source.length; ) {
    const part = partAt(source, at)
    if (part === undefined) return undefined
    written += part.written
    at += part.length
  }
  return written
}

interface Part {
  readonly length: number
  readonly written: string
}

/** `(?:`, `(?<name>` and a plain `(`. */
const GROUP = /\((?:\?:|\?<[A-Za-z_$][\w$]*>)?(?!\?)/y

/** `\x41` and `\u0041`. */
const CODE = /\\(?:x([\dA-Fa-f]{2})|u([\dA-Fa-f]{4}))/y

/** An escape for a class of characters, or for a character without case: `\d`, `\.`, `\cA`, `\0`. */
const ESCAPE = /\\(?:c[A-Za-z]|0(?!\d)|[^\dkxuc])/y

function partAt(source: string, at: number): Part | undefined {
  const character = source[at] ?? ''
  if (character === '(') return kept(GROUP, source, at)
  if (character === '[') return classAt(source, at)
  if (character === '\\') {
    const code = codeAt(source, at)
    return code === undefined
      ? kept(ESCAPE, source, at)
      : { length: code.length, written: eitherCase(code.value, source.slice(at, at + code.length)) }
  }
  return { length: 1, written: eitherCase(character.charCodeAt(0), character) }
}

function kept(form: RegExp, source: string, at: number): Part | undefined {
  // Sticky (`y`): matches at this offset only, without a copy of the rest.
  form.lastIndex = at
  const [written] = form.exec(source) ?? []
  return written === undefined ? undefined : { length: written.length, written }
}

function codeAt(source: string, at: number): { readonly length: number; readonly value: number } | undefined {
  CODE.lastIndex = at
  const match = CODE.exec(source)
  if (match === null) return undefined
  return { length: match[0].length, value: Number.parseInt(match[1] ?? match[2] ?? '', 16) }
}

function eitherCase(code: number, asWritten: string): string {
  const other = otherCase(code)
  return other === undefined ? asWritten : `[${String.fromCharCode(code, other)}]`
}

/** The other case of an ASCII letter; undefined for other characters. */
function otherCase(code: number): number | undefined {
  const isLetter = (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
  return isLetter ? code ^ 0x20 : undefined
}

/** `[a-f_]` → `[a-f_A-F]` */
function classAt(source: string, start: number): Part | undefined {
  let others = ''
  let at = start + (source[start + 1] === '^' ? 2 : 1)
  while (at < source.length && source[at] !== ']') {
    const from = memberAt(source, at)
    if (from === undefined) return undefined
    at += from.length
    // A hyphen at the end of a class is a member, not a range.
    const isRange = source[at] === '-' && at + 1 < source.length && source[at + 1] !== ']'
    const to = isRange ? memberAt(source, at + 1) : from
    if (to === undefined) return undefined
    if (isRange) at += 1 + to.length
    others += otherCases(from.value, to.value)
  }
  // No closing bracket: not a pattern that was compiled before.
  if (at >= source.length) return undefined
  return { length: at + 1 - start, written: `${source.slice(start, at)}${others}]` }
}

/** One member of a class; `value` is undefined when it stands for several characters. */
function memberAt(
  source: string,
  at: number,
): { readonly length: number; readonly value: number | undefined } | undefined {
  if (source[at] !== '\\') return { length: 1, value: source.charCodeAt(at) }
  const code = codeAt(source, at)
  if (code !== undefined) return code
  const part = kept(ESCAPE, source, at)
  return part === undefined ? undefined : { length: part.length, value: singleOf(part.written) }
}

/** `\-`, `\]`, `\/`: the character itself. A letter after a backslash stands for something without case. */
const singleOf = (written: string) => (/^\\[^A-Za-z0]$/.test(written) ? written.charCodeAt(1) : undefined)

/** The letters of a range in the other case, as members of a class. */
function otherCases(from: number | undefined, to: number | undefined): string {
  if (from === undefined || to === undefined) return ''
  let others = ''
  for (const [low, high] of [
    [0x41, 0x5a],
    [0x61, 0x7a],
  ] as const) {
    const first = Math.max(from, low)
    const last = Math.min(to, high)
    if (first <= last) others += `${String.fromCharCode(first ^ 0x20)}-${String.fromCharCode(last ^ 0x20)}`
  }
  return others
}
