import { shown } from './expectation.js'

/** What a file of pre-shared keys says. */
export interface PskFile {
  readonly keys: readonly (readonly [identity: string, key: Uint8Array])[]
  /** What is wrong with it. The lines are named and not shown: they hold keys. */
  readonly mistakes: readonly string[]
}

/** Less can be guessed (RFC 9257, 4.2: 128 bits). */
const KEY_BYTES_MIN = 16

/** Reads lines of `IDENTITY:KEY`. An identity may contain colons, a key does not. */
export function readPskFile(bytes: Uint8Array): PskFile {
  const keys = new Map<string, Uint8Array>()
  const mistakes: string[] = []
  for (const [index, line] of new TextDecoder().decode(bytes).split('\n').entries()) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    const [, identity = '', hex = ''] = /^(.*\S)\s*:\s*([0-9a-f]*)$/i.exec(text) ?? []
    const wrong = (what: string) => mistakes.push(`line ${index + 1}: ${what}`)
    if (identity === '') wrong('expected IDENTITY:KEY, the key in hexadecimal')
    else if (hex.length % 2 === 1) wrong('the key has half a byte too many')
    else if (hex.length < KEY_BYTES_MIN * 2) wrong(`the key has less than ${KEY_BYTES_MIN} bytes`)
    else if (keys.has(identity)) wrong(`there is a key for ${shown(identity)} already`)
    else
      keys.set(
        identity,
        Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16)),
      )
  }
  if (keys.size === 0 && mistakes.length === 0) mistakes.push('there is no key in it')
  return { keys: [...keys], mistakes }
}
