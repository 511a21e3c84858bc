/** Every client, whatever it sends: the protocol of a route that takes the rest. */
import { type Answer, YES } from './answer.js'

export const ANY_BYTES_MAX = 0

export function sniffAny(): Answer {
  return YES
}
