/** Loads certificates and private keys, and reports what is wrong with them. */
import { takeReason } from '../kernel/openssl-errors.js'
import { withNativeBytes } from '../kernel/openssl-memory.js'
import { readingBytes, x509Calls } from '../kernel/openssl-x509.js'
import type { CertificateOptions, TlsProblems } from './options.js'
import { isEncrypted, isPem, type PemBlock, pemBlocks } from './pem.js'
import { timeText } from './x509-facts.js'

/** A certificate, its chain and its key, as OpenSSL objects that the caller frees. */
export interface LoadedCertificate {
  readonly leaf: number
  readonly chain: readonly number[]
  readonly key: number
}

/**
 * `TRUSTED CERTIFICATE` is an OpenSSL format with trust settings, which apply to authorities and are ignored in a
 * certificate that is sent to peers.
 */
const CERTIFICATE_LABELS = ['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']
/** The empty passphrase of files that have none. */
const NO_TEXT = new Uint8Array(0)

/** Reads a certificate and its key, and adds what is wrong to `problems`. */
export function loadCertificate(
  options: CertificateOptions,
  problems: TlsProblems,
  index?: number,
): LoadedCertificate | undefined {
  const certificates = readCertificates(options.chain, (message) =>
    problems.error('certificate', message, index),
  )
  const [leaf, ...chain] = certificates
  if (leaf === undefined) return undefined
  const key = readKey(options, problems, index)
  const loaded = { leaf, chain, key }
  if (key !== 0 && x509Calls().keyMatches(leaf, key) === 1) {
    warnOfValidity(leaf, problems, index)
    return loaded
  }
  if (key !== 0) problems.error('key', `the key does not match the certificate: ${takeReason()}`, index)
  // The caller gets no certificate, so nobody else would free these objects.
  freeCertificate(loaded)
  return undefined
}

/** Drops the references of `loadCertificate`; contexts that use the objects have taken their own. */
export function freeCertificate({ leaf, chain, key }: LoadedCertificate): void {
  const x509 = x509Calls()
  for (const certificate of [leaf, ...chain]) x509.freeCertificate(certificate)
  if (key !== 0) x509.freeKey(key)
}

/** All certificates of a file, which the caller frees; or none, after a call of `wrong`. */
export function readCertificates(file: Uint8Array, wrong: (message: string) => void): readonly number[] {
  if (file.length === 0) {
    wrong('the file is empty')
    return []
  }
  const x509 = x509Calls()
  const blocks = pemBlocks(file).filter(({ label }) => CERTIFICATE_LABELS.includes(label))
  if (isPem(file) && blocks.length === 0) {
    wrong('the file contains no certificate')
    return []
  }
  const read = isPem(file)
    ? blocks.map(({ bytes }) => readPem(bytes, x509.pemCertificate))
    : [readingBytes(file, (bio) => x509.derCertificate(bio, 0))]
  // A chain with a gap, or an incomplete list of authorities, would only fail at handshakes.
  const bad = read.indexOf(0)
  if (bad < 0) return read
  const which = read.length > 1 ? `certificate ${bad + 1} of ${read.length}` : 'the certificate'
  wrong(`${which} cannot be read: ${takeReason()}`)
  for (const certificate of read) x509.freeCertificate(certificate)
  return []
}

type ReadPem = (bio: number, into: number, callback: number, passphrase: number) => number

/** Passes an empty passphrase: without one, OpenSSL would prompt on the terminal. */
export function readPem(bytes: Uint8Array, read: ReadPem): number {
  return withNativeBytes(NO_TEXT, (none) => readingBytes(bytes, (bio) => read(bio, 0, 0, none)))
}

/** The EVP_PKEY; 0 after an error was added to `problems`. */
function readKey(options: CertificateOptions, problems: TlsProblems, index: number | undefined): number {
  // One file may hold both, as HAProxy and stunnel expect it.
  const file = options.key ?? options.chain
  if (file.length === 0) {
    problems.error('key', 'the file is empty', index)
    return 0
  }
  const passphrase = options.passphrase ?? ''
  if (!isPem(file)) return readDerKey(file, passphrase, problems, index)
  const block = pemBlocks(file).find(({ label }) => label.endsWith('PRIVATE KEY'))
  if (block === undefined) {
    problems.error('key', 'the file contains no private key', index)
    return 0
  }
  return readPemKey(block, passphrase, problems, index)
}

function readPemKey(
  block: PemBlock,
  passphrase: string,
  problems: TlsProblems,
  index: number | undefined,
): number {
  if (isEncrypted(block) && passphrase === '') {
    problems.error('passphrase', 'the key is encrypted: a passphrase is needed', index)
    return 0
  }
  const key = withPassphrase(passphrase, (secret) =>
    readingBytes(block.bytes, (bio) => x509Calls().pemKey(bio, 0, 0, secret)),
  )
  if (key === 0) reportUnreadable(isEncrypted(block), problems, index)
  return key
}

function readDerKey(
  file: Uint8Array,
  passphrase: string,
  problems: TlsProblems,
  index: number | undefined,
): number {
  const x509 = x509Calls()
  const plain = readingBytes(file, (bio) => x509.derKey(bio, 0))
  if (plain !== 0 || passphrase === '') {
    if (plain === 0) reportUnreadable(false, problems, index)
    return plain
  }
  // Drops the errors of the first try: DER has no label that says whether a key is encrypted.
  takeReason()
  const key = withPassphrase(passphrase, (secret) =>
    readingBytes(file, (bio) => x509.derEncryptedKey(bio, 0, 0, secret)),
  )
  if (key === 0) reportUnreadable(true, problems, index)
  return key
}

function reportUnreadable(isWithPassphrase: boolean, problems: TlsProblems, index: number | undefined): void {
  const reason = takeReason()
  if (isWithPassphrase) {
    problems.error('passphrase', `the key cannot be decrypted with this passphrase: ${reason}`, index)
  } else problems.error('key', `the key cannot be read: ${reason}`, index)
}

/**
 * Overwrites the encoded passphrase afterwards. The string itself remains in V8's heap until it is collected.
 */
function withPassphrase(passphrase: string, use: (secret: number) => number): number {
  const bytes = new TextEncoder().encode(passphrase)
  try {
    return withNativeBytes(bytes, use)
  } finally {
    bytes.fill(0)
  }
}

/** Only warnings: the peers decide, and the clock of this machine may be wrong. */
function warnOfValidity(leaf: number, problems: TlsProblems, index: number | undefined): void {
  const x509 = x509Calls()
  const [begin, end] = [x509.notBefore(leaf), x509.notAfter(leaf)]
  if (x509.compareToNow(end) < 0) {
    problems.warning('certificate', `the certificate has expired: ${timeText(end)}`, index)
  } else if (x509.compareToNow(begin) > 0) {
    problems.warning('certificate', `the certificate is not valid before ${timeText(begin)}`, index)
  }
}
