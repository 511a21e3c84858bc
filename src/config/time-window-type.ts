/** The value type of weekly time windows. */
import type { TimeWindow } from '../base/time-window.js'
import { isTimeWord, parseTimeWindows } from './time-windows.js'
import { isPunctuation, isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'
import { reportUnexpected, type ValueType } from './value-type.js'

const WANTED = "a time window such as 'Mon-Fri 08:00-18:00 Europe/Berlin'"

/** Its parts are words of their own, or together in quotes. */
export const timeWindows: ValueType<readonly TimeWindow[]> = {
  grammar: '[DAY[-DAY] …] [HH:MM-HH:MM …] [ZONE][, …]',
  read({ problems, tokens }) {
    const { position } = tokens.peek()
    let text = ''
    // A part must follow at the start and behind a comma; elsewhere another word may be the next directive.
    let mustFollow = true
    for (let token = tokens.peek(); mustFollow || isPart(token); token = tokens.peek()) {
      const isComma = isPunctuation(token, ',')
      if (mustFollow && !canBegin(tokens)) {
        if (isComma && text !== '') {
          tokens.next()
          continue
        }
        reportUnexpected(problems, token, WANTED)
        return undefined
      }
      mustFollow = isComma
      // Put together again: the parts are checked as one text, whether it was quoted or not.
      text += isComma ? ',' : ` ${token.text}`
      tokens.next()
    }
    const reading = parseTimeWindows(text, localZone())
    if (reading.kind === 'windows') return reading.windows
    problems.error(position, reading.why)
    return undefined
  },
}

/** A word before `=` is the next directive, and a window is missing. */
function canBegin(tokens: TokenStream): boolean {
  const [token, next] = tokens.lookAhead(2)
  const isDirective = token?.kind === 'word' && next !== undefined && isPunctuation(next, '=')
  return token !== undefined && isText(token) && !isDirective
}

function isPart(token: Token): boolean {
  return isPunctuation(token, ',') || (isText(token) && isTimeWord(token.text))
}

/** The zone of this machine: TZ in the environment, or /etc/localtime. */
function localZone(): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
