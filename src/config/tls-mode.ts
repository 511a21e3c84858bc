import { Refusal, refuseWord, shown } from './expectation.js'
import { BOOLEAN_WORDS, parseBoolean } from './number-types.js'
import { NO_DATAGRAMS } from './text-types.js'
import { commaList, oneToken, type ValueType } from './value-type.js'

const VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
export type TlsVersion = (typeof VERSIONS)[number]

/** How a listener treats a client: plain, TLS, or by its first bytes. */
export interface TlsMode {
  readonly kind: 'off' | 'on' | 'auto'
  /** In the order in which they were listed; without a list the newest one first. */
  readonly versions: readonly TlsVersion[]
}

export const TLS_OFF: TlsMode = { kind: 'off', versions: [] }
const NEWEST_FIRST = [...VERSIONS].reverse()
const TLS_ON: TlsMode = { kind: 'on', versions: NEWEST_FIRST }
const TLS_AUTO: TlsMode = { kind: 'auto', versions: NEWEST_FIRST }

const words = commaList(oneToken('yes|no|auto|TLSv1.2|TLSv1.3', parseWord))

/** `yes`, `no`, `auto`, or the versions that are allowed; alone it means yes. */
export const tlsMode: ValueType<TlsMode> = {
  grammar: 'yes|no|auto|VERSION[, …]',
  read(input) {
    const { position } = input.tokens.peek()
    const modes = words.read(input)
    const [first] = modes ?? []
    if (modes === undefined || first === undefined || modes.length === 1) return first
    const versions = modes.flatMap((mode) => (isVersion(mode) ? mode.versions : []))
    if (modes.every(isVersion)) return { kind: 'on', versions: [...new Set(versions)] }
    input.problems.error(position, 'only TLS versions can be listed with commas')
    return undefined
  },
  format: ({ kind }) => (kind === 'off' ? 'no' : 'yes'),
  bare: { value: TLS_ON, isValue: (text) => !(parseWord(text) instanceof Refusal) || /^D?TLSv/i.test(text) },
}

function isVersion(mode: TlsMode): boolean {
  return mode.kind === 'on' && mode.versions.length === 1
}

function parseWord(text: string): TlsMode | Refusal {
  const isOn = parseBoolean(text)
  if (isOn !== undefined) return isOn ? TLS_ON : TLS_OFF
  if (text.toLowerCase() === 'auto') return TLS_AUTO
  const version = VERSIONS.find((known) => known.toLowerCase() === text.toLowerCase())
  if (version !== undefined) return { kind: 'on', versions: [version] }
  if (/^DTLSv/i.test(text)) return new Refusal(`${shown(text)} is not possible: ${NO_DATAGRAMS}`)
  return refuseWord([...BOOLEAN_WORDS, 'auto', ...VERSIONS], text)
}
