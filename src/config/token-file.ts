/** Parses files of tokens for the administration: a level and a token per line. */
import { ADMIN_LEVELS, type AdminLevel } from '../base/admin-level.js'

/** A secret that gives its holder a level. */
export interface AdminToken {
  readonly level: AdminLevel
  readonly token: string
}

export interface TokenFile {
  readonly tokens: readonly AdminToken[]
  /** Errors, with line numbers only: the lines contain tokens. */
  readonly mistakes: readonly string[]
}

/** Shorter ones can be guessed: 16 hexadecimal digits are 64 bits. */
const TOKEN_LENGTH_MIN = 16
/** As many as a header has room for. */
const TOKEN_LENGTH_MAX = 256
/** The syntax of bearer tokens (RFC 6750, 2.1). */
const TOKEN = /^[A-Za-z0-9._~+/-]+=*$/

/** Parses lines of `LEVEL TOKEN`. */
export function readTokenFile(bytes: Uint8Array): TokenFile {
  const tokens: AdminToken[] = []
  const mistakes: string[] = []
  for (const [index, line] of new TextDecoder().decode(bytes).split('\n').entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    const read = readLine(text)
    if (typeof read === 'string') mistakes.push(`line ${index + 1}: ${read}`)
    else if (tokens.some(({ token }) => token === read.token))
      mistakes.push(`line ${index + 1}: duplicate token`)
    else tokens.push(read)
  }
  if (tokens.length === 0 && mistakes.length === 0) mistakes.push('the file contains no token')
  return { tokens, mistakes }
}

function readLine(text: string): AdminToken | string {
  const [word, token = '', ...rest] = text.split(/\s+/)
  const level = ADMIN_LEVELS.find((candidate) => candidate === word)
  if (level === undefined || token === '' || rest.length > 0)
    return `expected LEVEL TOKEN, the level one of ${ADMIN_LEVELS.join(', ')}`
  if (token.length < TOKEN_LENGTH_MIN) return `the token is shorter than ${TOKEN_LENGTH_MIN} characters`
  if (token.length > TOKEN_LENGTH_MAX) return `the token is longer than ${TOKEN_LENGTH_MAX} characters`
  return TOKEN.test(token) ? { level, token } : 'a token consists of letters, digits and . _ ~ + / - ='
}
