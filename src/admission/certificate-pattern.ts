/**
 * Patterns for the names in client certificates. `*` stands for any characters, also none; everything else stands for
 * itself.
 */

/** The types of subject alternative names, as facts write them. */
const TYPED_NAME = /^(?:DNS|IP|email|URI):/
/** Its path is case-sensitive (RFC 3986, 6.2.2.1). */
const URI = 'URI:'

/**
 * Matches a subject or an issuer in the form of RFC 2253, case-sensitive: `CN=joe,O=Example`, `*,O=Example`. A character
 * escaped with a backslash differs from the bare one, so `*,O=Example` does not match the single part `CN=x\,O=Example`.
 */
export function matchesNamePattern(name: string, pattern: string): boolean {
  let at = 0
  let wanted = 0
  let starAt = -1
  let retryAt = 0
  while (at < name.length) {
    if (pattern[wanted] === '*') {
      starAt = wanted++
      retryAt = at
    } else if (isSameUnit(name, at, pattern, wanted)) {
      wanted += unitLength(name, at)
      at += unitLength(name, at)
    } else if (starAt >= 0) {
      retryAt += unitLength(name, retryAt)
      at = retryAt
      wanted = starAt + 1
    } else return false
  }
  while (pattern[wanted] === '*') wanted++
  return wanted === pattern.length
}

/**
 * Matches a subject alternative name such as `DNS:www.example.com`. A pattern without a type matches names of any type.
 * Case-sensitive for URIs only.
 */
export function matchesAlternativeName(typedName: string, pattern: string): boolean {
  const name = TYPED_NAME.test(pattern) ? typedName : typedName.slice(typedName.indexOf(':') + 1)
  if (typedName.startsWith(URI)) return matchesNamePattern(name, pattern)
  return matchesNamePattern(name.toLowerCase(), pattern.toLowerCase())
}

/** An escaped character is one unit with its backslash. */
function unitLength(text: string, at: number): number {
  return text[at] === '\\' && at + 1 < text.length ? 2 : 1
}

function isSameUnit(name: string, at: number, pattern: string, wanted: number): boolean {
  const length = unitLength(name, at)
  if (wanted >= pattern.length || length !== unitLength(pattern, wanted)) return false
  return name.startsWith(pattern.slice(wanted, wanted + length), at)
}
