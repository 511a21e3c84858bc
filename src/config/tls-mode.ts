import { Refusal, refuseWord, shown } from './expectation.js'
import { BOOLEAN_WORDS, parseBoolean } from './number-types.js'
import { NO_DATAGRAMS } from './text-types.js'
import { commaList, oneToken, type ValueType } from './value-type.js'

export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
export type TlsVersion = (typeof TLS_VERSIONS)[number]

/** TLS over datagrams: only children of another program speak it. */
export const DTLS_VERSIONS = ['DTLSv1.0', 'DTLSv1.2', 'DTLSv1.3'] as const
export type DtlsVersion = (typeof DTLS_VERSIONS)[number]

/**
 * How a connection is treated: `off` plain, `on` TLS that begins or ends here, `auto` by its first bytes, `pass` TLS
 * that is relayed as it is.
 */
export interface TlsMode {
  readonly kind: 'off' | 'on' | 'auto' | 'pass'
  /** What may be spoken, in the order in which it was listed; without a list the newest one first. */
  readonly versions: readonly TlsVersion[]
  /** The same of DTLS, for datagrams. A list has versions of one kind, and then there are none of the other. */
  readonly dtlsVersions: readonly DtlsVersion[]
}

export const TLS_OFF: TlsMode = { kind: 'off', versions: [], dtlsVersions: [] }
const ALL_VERSIONS = { versions: [...TLS_VERSIONS].reverse(), dtlsVersions: [...DTLS_VERSIONS].reverse() }
const TLS_ON: TlsMode = { kind: 'on', ...ALL_VERSIONS }
const OTHERS: Readonly<Record<string, TlsMode>> = {
  auto: { kind: 'auto', ...ALL_VERSIONS },
  pass: { kind: 'pass', versions: [], dtlsVersions: [] },
}

/** Of a listener: `yes`, `no`, `auto`, `pass`, or the versions that are allowed; alone it means yes. */
export const tlsMode = modeType(['auto', 'pass'], DTLS_VERSIONS)

/** Of a remote: `yes`, `no`, or the versions that are allowed; alone it means yes. */
export const remoteTlsMode = modeType([], [])

/** Whether a directive that was given this mode asks for TLS. */
export function asksForTls(mode: TlsMode | undefined): boolean {
  return mode !== undefined && mode.kind !== 'off'
}

function modeType(others: readonly string[], dtls: readonly DtlsVersion[]): ValueType<TlsMode> {
  const parse = (text: string) => parseWord(text, others, dtls)
  const start = ['yes', 'no', ...others]
  const words = commaList(oneToken([...start, ...TLS_VERSIONS].join('|'), parse))
  return {
    grammar: [...start, 'VERSION[, …]'].join('|'),
    read(input) {
      const { position } = input.tokens.peek()
      const modes = words.read(input)
      const [first] = modes ?? []
      if (modes === undefined || first === undefined || modes.length === 1) return first
      const versions = [...new Set(modes.flatMap((mode) => mode.versions))]
      const dtlsVersions = [...new Set(modes.flatMap((mode) => mode.dtlsVersions))]
      if (!modes.every(isVersion))
        input.problems.error(position, 'only TLS versions can be listed with commas')
      else if (versions.length === 0 || dtlsVersions.length === 0)
        return { kind: 'on', versions, dtlsVersions }
      else input.problems.error(position, 'versions of TLS and of DTLS do not go together')
      return undefined
    },
    format: ({ kind }) => (kind === 'off' ? 'no' : 'yes'),
    bare: { value: TLS_ON, isValue: (text) => !(parse(text) instanceof Refusal) || /^D?TLSv/i.test(text) },
  }
}

function isVersion(mode: TlsMode): boolean {
  return mode.kind === 'on' && mode.versions.length + mode.dtlsVersions.length === 1
}

function parseWord(text: string, others: readonly string[], dtls: readonly DtlsVersion[]): TlsMode | Refusal {
  const isOn = parseBoolean(text)
  if (isOn !== undefined) return isOn ? TLS_ON : TLS_OFF
  const other = others.includes(text.toLowerCase()) ? OTHERS[text.toLowerCase()] : undefined
  if (other !== undefined) return other
  const version = TLS_VERSIONS.find((known) => known.toLowerCase() === text.toLowerCase())
  if (version !== undefined) return { kind: 'on', versions: [version], dtlsVersions: [] }
  const dtlsVersion = dtls.find((known) => known.toLowerCase() === text.toLowerCase())
  if (dtlsVersion !== undefined) return { kind: 'on', versions: [], dtlsVersions: [dtlsVersion] }
  if (/^DTLSv/i.test(text) && dtls.length === 0) {
    return new Refusal(`${shown(text)} is not possible: ${NO_DATAGRAMS}`)
  }
  return refuseWord([...BOOLEAN_WORDS, ...others, ...TLS_VERSIONS, ...dtls], text)
}
