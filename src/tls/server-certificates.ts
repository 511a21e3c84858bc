/** The certificates of a server, grouped by the names that they serve. */
import { nativeFunction } from '../kernel/ffi.js'
import { freeCertificate, type LoadedCertificate, loadCertificate } from './certificate.js'
import { hostName, NameTable } from './name-table.js'
import type { ServerCertificateOptions, TlsProblems } from './options.js'
import { hostNames } from './x509-facts.js'

/** A server's certificate with the names that it serves. */
interface ServerCertificate extends LoadedCertificate {
  readonly names: readonly string[]
  /** Its index in the options. */
  readonly index: number
}

/** Certificates for the same name with different key types; OpenSSL chooses by what the client supports. */
export type Group = readonly ServerCertificate[]

export interface ServerCertificates {
  readonly all: readonly ServerCertificate[]
  readonly groups: readonly Group[]
  /** Undefined without any certificate. */
  readonly defaultGroup: Group | undefined
  readonly groupByName: NameTable<Group>
}

/** Reads the certificates, and adds what is wrong to `problems`; after an error they must not be used. */
export function loadServerCertificates(
  options: readonly ServerCertificateOptions[],
  problems: TlsProblems,
): ServerCertificates {
  const all: ServerCertificate[] = []
  for (const [index, one] of options.entries()) {
    const loaded = loadCertificate(one, problems, index)
    if (loaded !== undefined)
      all.push({ ...loaded, index, names: namesOf(one, loaded.leaf, problems, index) })
  }
  return grouped(all)
}

/** Drops the references of `loadServerCertificates`; contexts have taken their own. */
export function freeServerCertificates({ all }: ServerCertificates): void {
  for (const certificate of all) freeCertificate(certificate)
}

/**
 * The names that the configuration gives, otherwise those in the certificate. Names in a certificate that are
 * no host names are skipped.
 */
function namesOf(
  options: ServerCertificateOptions,
  leaf: number,
  problems: TlsProblems,
  index: number,
): readonly string[] {
  const { serverNames } = options
  const names = serverNames ?? hostNames(leaf)
  return names.flatMap((text) => {
    const name = hostName(text)
    if (name !== undefined) return [name]
    if (serverNames !== undefined) problems.error('server-name', `'${text}' is not a valid host name`, index)
    return []
  })
}

function grouped(all: readonly ServerCertificate[]): ServerCertificates {
  const groups = new Map<string, Group>()
  // The same members under several names share one group, and so one SSL_CTX.
  const groupOf = (members: Group): Group => {
    const key = members.map(({ index }) => index).join()
    const group = groups.get(key) ?? members
    groups.set(key, group)
    return group
  }
  const groupByName = new NameTable<Group>()
  const byName = membersByName(all)
  for (const [name, members] of byName) groupByName.set(name, groupOf(members))
  const [first] = all
  if (first === undefined) return { all, groups: [], defaultGroup: undefined, groupByName }
  // A first certificate without any host name is the default alone.
  const relatives = byName.get(first.names[0] ?? '') ?? []
  const defaultGroup = groupOf(relatives.includes(first) ? relatives : [first])
  return { all, groups: [...groups.values()], defaultGroup, groupByName }
}

/** Of two certificates with the same name and key type, the first wins. */
function membersByName(all: readonly ServerCertificate[]): ReadonlyMap<string, Group> {
  const keyType = nativeFunction<(key: number) => number>('int EVP_PKEY_get_base_id(uintptr_t key)')
  const byName = new Map<string, ServerCertificate[]>()
  for (const certificate of all) {
    for (const name of certificate.names) {
      const members = byName.get(name) ?? []
      const isNew = members.every(({ key }) => keyType(key) !== keyType(certificate.key))
      if (isNew) byName.set(name, [...members, certificate])
    }
  }
  return byName
}
