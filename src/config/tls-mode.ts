/** Value types of `tls`: the mode, or a list of versions. */
import { Refusal, refuseWord, shown } from './expectation.js'
import { BOOLEAN_WORDS, parseBoolean } from './number-types.js'
import { NO_DATAGRAMS } from './text-types.js'
import { commaList, oneToken, type ValueType } from './value-type.js'

export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
export type TlsVersion = (typeof TLS_VERSIONS)[number]

/** TLS over datagrams, which only children of another program support. */
export const DTLS_VERSIONS = ['DTLSv1.0', 'DTLSv1.2', 'DTLSv1.3'] as const
export type DtlsVersion = (typeof DTLS_VERSIONS)[number]

/**
 * How a connection is treated: `off` plain, `on` TLS terminated or originated here, `auto` detected by the first
 * bytes, `pass` TLS relayed without termination.
 */
export interface TlsMode {
  readonly kind: 'off' | 'on' | 'auto' | 'pass'
  /** Enabled versions in the order of the list; without a list the newest first. */
  readonly versions: readonly TlsVersion[]
  /** Versions of a DTLS list, for datagrams; `versions` is empty then. */
  readonly dtlsVersions?: readonly DtlsVersion[]
}

export const TLS_OFF: TlsMode = { kind: 'off', versions: [] }
const NEWEST_FIRST = [...TLS_VERSIONS].reverse()
export const TLS_ON: TlsMode = { kind: 'on', versions: NEWEST_FIRST }
const OTHERS: Readonly<Record<string, TlsMode>> = {
  auto: { kind: 'auto', versions: NEWEST_FIRST },
  pass: { kind: 'pass', versions: [] },
}

/** For a listener: `yes`, `no`, `auto`, `pass`, or a list of versions; without a value yes. */
export const tlsMode = modeType(['auto', 'pass'], DTLS_VERSIONS)

/** For a remote: `yes`, `no`, or a list of versions; without a value yes. */
export const remoteTlsMode = modeType([], [])

/** The listed versions; undefined without a list. */
export function listedVersions(mode: TlsMode): readonly (TlsVersion | DtlsVersion)[] | undefined {
  if (mode.kind !== 'on') return undefined
  // By identity: `yes` shares this array, a list has its own even if it names the same versions.
  return mode.dtlsVersions ?? (mode.versions === TLS_ON.versions ? undefined : mode.versions)
}

/** Whether the mode requires TLS. */
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
      const dtlsVersions = [...new Set(modes.flatMap((mode) => mode.dtlsVersions ?? []))]
      if (!modes.every(isVersion)) {
        input.problems.error(position, 'a list may contain only TLS versions')
        return undefined
      }
      if (dtlsVersions.length === 0) return { kind: 'on', versions }
      if (versions.length === 0) return { kind: 'on', versions, dtlsVersions }
      input.problems.error(position, 'TLS and DTLS versions cannot be combined')
      return undefined
    },
    format: ({ kind }) => (kind === 'off' ? 'no' : 'yes'),
    // A wrong version counts as a value, too, so that it is reported as one.
    bare: { value: TLS_ON, isValue: (text) => !(parse(text) instanceof Refusal) || /^D?TLSv/i.test(text) },
  }
}

function isVersion(mode: TlsMode): boolean {
  return mode.kind === 'on' && (mode.dtlsVersions ?? mode.versions).length === 1
}

function parseWord(text: string, others: readonly string[], dtls: readonly DtlsVersion[]): TlsMode | Refusal {
  const isOn = parseBoolean(text)
  if (isOn !== undefined) return isOn ? TLS_ON : TLS_OFF
  const other = others.includes(text.toLowerCase()) ? OTHERS[text.toLowerCase()] : undefined
  if (other !== undefined) return other
  const version = TLS_VERSIONS.find((known) => known.toLowerCase() === text.toLowerCase())
  if (version !== undefined) return { kind: 'on', versions: [version] }
  const dtlsVersion = dtls.find((known) => known.toLowerCase() === text.toLowerCase())
  if (dtlsVersion !== undefined) return { kind: 'on', versions: [], dtlsVersions: [dtlsVersion] }
  if (/^DTLSv/i.test(text) && dtls.length === 0) {
    return new Refusal(`${shown(text)} is not supported: ${NO_DATAGRAMS}`)
  }
  return refuseWord([...BOOLEAN_WORDS, ...others, ...TLS_VERSIONS, ...dtls], text)
}
