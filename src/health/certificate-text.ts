/** The name of a certificate in log lines. */
import type { PeerCertificate } from 'node:tls'
import { cut, printable } from '../observe/log.js'

/** As long as a host name may be, and a little more. */
const BYTES_MAX = 100

/** Its common name, or else its alternative names. */
export function certificateName(certificate: PeerCertificate | undefined): string {
  const names = certificate?.subject?.CN
  const [name] = [names ?? []].flat()
  const text = name === undefined ? (certificate?.subjectaltname ?? 'without a name') : `CN=${name}`
  return printable(cut(text, BYTES_MAX))
}
