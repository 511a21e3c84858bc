/** The certificates that listeners present, with their expiry. */
import { X509Certificate } from 'node:crypto'
import type { RunningHead } from '../../control/head.js'
import { isoTime } from './times.js'

export interface ServedCertificate {
  /** Server names for which clients get it. */
  readonly names: readonly string[]
  readonly issuer: string
  readonly notAfterMs: number
  readonly notAfter: string
  readonly fingerprint: string
  /** Names of the listeners. */
  readonly listeners: readonly string[]
}

/** Each once, in the order of the configuration. */
export function certificatesNow({ reloader }: Pick<RunningHead, 'reloader'>): readonly ServedCertificate[] {
  const { listeners, tls } = reloader.present.plan
  const found = new Map<string, ServedCertificate>()
  for (const [server, { certificates }] of tls.servers.entries()) {
    const users = listeners.filter((listener) => 'server' in listener.tls && listener.tls.server === server)
    for (const { chain, serverNames } of certificates) {
      // The first one of the chain. OpenSSL has checked the file when it was loaded.
      const certificate = new X509Certificate(chain)
      const { fingerprint256: fingerprint } = certificate
      const names = serverNames ?? namesIn(certificate)
      const before = found.get(fingerprint)
      found.set(fingerprint, {
        names: [...new Set([...(before?.names ?? []), ...names])],
        issuer: certificate.issuer.replaceAll('\n', ', '),
        notAfterMs: Date.parse(certificate.validTo),
        notAfter: isoTime(Date.parse(certificate.validTo)),
        fingerprint,
        listeners: [...(before?.listeners ?? []), ...users.map(({ name }) => name)],
      })
    }
  }
  return [...found.values()]
}

/** The DNS names, or the common name. */
function namesIn({ subject, subjectAltName = '' }: X509Certificate): readonly string[] {
  const names = [...subjectAltName.matchAll(/DNS:([^\s,"]+)/g)].map(([, name = '']) => name)
  const [, commonName] = /^CN=(.*)$/m.exec(subject) ?? []
  return names.length > 0 || commonName === undefined ? names : [commonName]
}
