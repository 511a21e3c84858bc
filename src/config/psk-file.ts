import { shown } from './expectation.js'

/** The contents of a file of pre-shared keys. */
export interface PskFile {
  readonly keys: readonly (readonly [identity: string, key: Uint8Array])[]
  /** Errors, with line numbers only: the lines contain keys. */
  readonly mistakes: readonly string[]
}

/** Shorter keys can be guessed (RFC 9257, 4.2: 128 bits). */
const KEY_BYTES_MIN = 16

/** Parses lines of `IDENTITY:KEY`. An identity may contain colons, a key does not. */
export function readPskFile(bytes: Uint8Array): PskFile {
  const keys = new Map<string, Uint8Array>()
  const mistakes: string[] = []
  for (const [index, line] of new TextDecoder().decode(bytes).split('\n').entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    // The last colon separates: the greedy group takes all others.
    const [, identity = '', hex = ''] = /^(.*\S)\s*:\s*([0-9a-f]*)$/i.exec(text) ?? []
    const wrong = (what: string) => mistakes.push(`line ${index + 1}: ${what}`)
    if (identity === '') wrong('expected IDENTITY:KEY, the key in hexadecimal')
    else if (hex.length % 2 === 1) wrong('the key has an odd number of hexadecimal digits')
    else if (hex.length < KEY_BYTES_MIN * 2) wrong(`the key is shorter than ${KEY_BYTES_MIN} bytes`)
    else if (keys.has(identity)) wrong(`duplicate identity ${shown(identity)}`)
    else
      keys.set(
        identity,
        Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
      )
  }
  if (keys.size === 0 && mistakes.length === 0) mistakes.push('the file contains no key')
  return { keys: [...keys], mistakes }
}
