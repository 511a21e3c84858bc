/** Trusted authorities and their revocation lists. */
import { X509_V_FLAG_CRL_CHECK, X509_V_FLAG_CRL_CHECK_ALL } from '../kernel/openssl-constants.js'
import { clearErrors, takeReason } from '../kernel/openssl-errors.js'
import { readingBytes, x509Calls } from '../kernel/openssl-x509.js'
import { readCertificates, readPem } from './certificate.js'
import type { TlsProblems } from './options.js'
import { isPem, pemBlocks } from './pem.js'
import { timeText } from './x509-facts.js'

/** OpenSSL objects that the caller frees. */
export interface TrustStore {
  readonly store: number
  /** The names of the authorities as a stack, which contexts copy. */
  readonly names: number
}

/** Reads the bundles, and adds what is wrong to `problems`. The caller frees the store. */
export function openTrustStore(
  authorities: Uint8Array,
  revocations: Uint8Array | undefined,
  problems: TlsProblems,
): TrustStore {
  const x509 = x509Calls()
  const store = x509.openStore()
  const names = x509.newStack()
  const certificates = readCertificates(authorities, (message) => problems.error('authorities', message))
  for (const certificate of certificates) {
    x509.addCertificate(store, certificate)
    x509.push(names, x509.duplicateName(x509.subjectOf(certificate)))
    x509.freeCertificate(certificate)
  }
  if (revocations !== undefined) addRevocations(store, revocations, problems)
  clearErrors()
  return { store, names }
}

/** Contexts that use the store hold their own references. */
export function freeTrustStore({ store, names }: TrustStore): void {
  const x509 = x509Calls()
  x509.freeStore(store)
  for (let name = x509.pop(names); name !== 0; name = x509.pop(names)) x509.freeName(name)
  x509.freeStack(names)
}

function addRevocations(store: number, file: Uint8Array, problems: TlsProblems): void {
  const x509 = x509Calls()
  const lists = readLists(file)
  if (lists.length === 0) problems.error('revocations', 'the file contains no revocation list')
  for (const list of lists) {
    if (list === 0) {
      problems.error('revocations', `the revocation list cannot be read: ${takeReason()}`)
      continue
    }
    const end = x509.nextUpdate(list)
    // 0: no nextUpdate, which RFC 5280, 5.1.2.5 requires but OpenSSL accepts.
    if (end !== 0 && x509.compareToNow(end) < 0) {
      const text = `the revocation list has expired, so certificates of its issuer are rejected: ${timeText(end)}`
      problems.warning('revocations', text)
    }
    x509.addCrl(store, list)
    x509.freeCrl(list)
  }
  // CRL_CHECK_ALL: also intermediate authorities; without it only the peer's own certificate is checked.
  x509.setStoreFlags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL)
}

/** The revocation lists of a file; 0 for one that cannot be parsed. */
function readLists(file: Uint8Array): readonly number[] {
  const x509 = x509Calls()
  if (!isPem(file)) return [readingBytes(file, (bio) => x509.derCrl(bio, 0))]
  const blocks = pemBlocks(file).filter(({ label }) => label === 'X509 CRL')
  return blocks.map(({ bytes }) => readPem(bytes, x509.pemCrl))
}
