/** The value type of `proxy protocol`. */
import { refuseWord } from './expectation.js'
import { BOOLEAN_WORDS, parseBoolean } from './number-types.js'
import { oneToken, type ValueType } from './value-type.js'

/** Whether connections begin with a PROXY protocol header. */
export type ProxyProtocol = 'yes' | 'no' | 'optional'

/** Without a value yes. */
export const proxyProtocol: ValueType<ProxyProtocol> = oneToken(
  'yes|no|optional',
  (text) => parse(text) ?? refuseWord([...BOOLEAN_WORDS, 'optional'], text),
  { bare: { value: 'yes', isValue: (text) => parse(text) !== undefined } },
)

function parse(text: string): ProxyProtocol | undefined {
  if (text.toLowerCase() === 'optional') return 'optional'
  const isOn = parseBoolean(text)
  return isOn === undefined ? undefined : isOn ? 'yes' : 'no'
}
