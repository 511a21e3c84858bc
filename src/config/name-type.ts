/** The value type of names that a configuration gives to its parts: listeners, remotes, pools. */
import { type Refusal, refuseText } from './expectation.js'
import { oneToken } from './value-type.js'

/** Names stand in log lines as one word, and in lists separated by commas. */
const NAME = /^[\p{L}\p{N}_.:-]{1,64}$/u

export function parseName(text: string): string | Refusal {
  return NAME.test(text) ? text : refuseText('a name of 1 to 64 letters, digits, or one of _ . : -', text)
}

export const nameType = oneToken('NAME', parseName)
