/** OCSP stapling (RFC 6960): requests for a certificate's status, and validation of responses. */
import * as c from '../kernel/openssl-constants.js'
import { sha256Of } from '../kernel/openssl-digest.js'
import { clearErrors, takeReason } from '../kernel/openssl-errors.js'
import { ocspCalls, textsOf } from '../kernel/openssl-ocsp.js'
import { readingBytes, writtenBytes, x509Calls } from '../kernel/openssl-x509.js'
import { readCertificates } from './certificate.js'
import { certificateFacts, hex } from './x509-facts.js'

/** The responder of a certificate, and the request to send to it. */
export interface OcspSource {
  /** Equal for the same certificate at the same responder. */
  readonly id: string
  /** `http://…` */
  readonly url: string
  /** DER. */
  readonly request: Uint8Array
  /** The certificate's subject and serial number, for messages. */
  readonly name: string
  /** The certificate and its issuer. */
  readonly chain: Uint8Array
}

/** The result of validating a response. */
export type OcspVerdict =
  /** May be stapled until it expires. */
  | { readonly kind: 'good'; readonly expiresInMs: number }
  | { readonly kind: 'revoked'; readonly expiresInMs: number }
  /** Invalid or inconclusive; `reason` begins in lower case. */
  | { readonly kind: 'useless'; readonly reason: string }

/** Tolerated clock skew between responder and this machine. */
const SKEW_S = 300

/** Assumed validity of a response without nextUpdate: one day. */
const DEFAULT_LIFETIME_S = 86_400

/** The source for the first certificate of `chain`, or why there is none. The chain must have been loaded before. */
export function ocspSource(chain: Uint8Array): OcspSource | string {
  return (
    withIssuer(chain, ({ leaf, issuer }) => {
      const url = responderOf(leaf)
      if (url === undefined) return 'the certificate names no OCSP responder with an http URL'
      if (issuer === 0) return "the file lacks the issuer's certificate, which an OCSP request needs"
      const request = requestFor(leaf, issuer)
      const { serial, subject } = certificateFacts(leaf)
      // The request identifies certificate and issuer, so it is a key for the cache of responses.
      const digest = sha256Of([request, new TextEncoder().encode(url)])
      return { id: hex(digest), url, request, name: `'${subject}' (serial ${serial})`, chain }
    }) ?? 'the certificate cannot be read'
  )
}

/** Validates a response from the network: signature, certificate, status and validity period. */
export function checkOcspResponse({ chain }: Pick<OcspSource, 'chain'>, bytes: Uint8Array): OcspVerdict {
  const verdict = withIssuer(chain, ({ leaf, issuer }) => {
    const response = readResponse(bytes)
    if (typeof response === 'string') return useless(response)
    try {
      return responseVerdict(response, bytes, { leaf, issuer })
    } finally {
      ocspCalls().freeResponse(response)
    }
  })
  return verdict ?? useless('the certificate cannot be read')
}

interface Pair {
  readonly leaf: number
  /** 0 if it is not in the chain. */
  readonly issuer: number
}

/** The certificates are freed after `use`. */
function withIssuer<T>(chain: Uint8Array, use: (pair: Pair) => T): T | undefined {
  // The chain was loaded before, so problems were reported then.
  const certificates = readCertificates(chain, () => {})
  const [leaf, ...others] = certificates
  if (leaf === undefined) return undefined
  try {
    const issuer = others.find((other) => ocspCalls().checkIssued(other, leaf) === c.X509_V_OK) ?? 0
    return use({ leaf, issuer })
  } finally {
    for (const certificate of certificates) x509Calls().freeCertificate(certificate)
    clearErrors()
  }
}

/** The first http responder: responses are signed, and https would need a status check of its own. */
function responderOf(leaf: number): string | undefined {
  const ocsp = ocspCalls()
  const stack = ocsp.responders(leaf)
  const urls = textsOf(stack)
  if (stack !== 0) ocsp.freeResponders(stack)
  return urls.find((url) => URL.canParse(url) && new URL(url).protocol === 'http:')
}

/** Without a nonce: many responders serve pre-signed responses (RFC 5019). */
function requestFor(leaf: number, issuer: number): Uint8Array {
  const ocsp = ocspCalls()
  const request = ocsp.openRequest()
  // Digest 0: SHA-1, which is no weakness here, as the id only names the certificate.
  ocsp.addId(request, ocsp.identify(0, leaf, issuer))
  const bytes = writtenBytes((bio) => ocsp.write(ocsp.requestType(), bio, request))
  ocsp.freeRequest(request)
  return bytes
}

/** A successful OCSP_RESPONSE, which the caller frees; or what is wrong. */
function readResponse(bytes: Uint8Array): number | string {
  const ocsp = ocspCalls()
  let isAll = false
  const response = readingBytes(bytes, (bio) => {
    const read = ocsp.read(ocsp.responseType(), bio, 0)
    isAll = x509Calls().pendingBio(bio) === 0
    return read
  })
  if (response === 0) return `not an OCSP response: ${takeReason()}`
  const status = ocsp.statusOf(response)
  if (status === c.OCSP_RESPONSE_STATUS_SUCCESSFUL && isAll) return response
  ocsp.freeResponse(response)
  return isAll ? `the responder returned: ${ocsp.statusText(status)}` : 'trailing bytes after the response'
}

function responseVerdict(response: number, bytes: Uint8Array, { issuer, leaf }: Pair): OcspVerdict {
  const ocsp = ocspCalls()
  const basic = ocsp.basicOf(response)
  if (basic === 0) return useless(`not a basic OCSP response: ${takeReason()}`)
  const id = ocsp.identify(0, leaf, issuer)
  try {
    // In this order: cheap and untrusted checks first, then the signature, and only then what was signed.
    if (!endsWith(bytes, encoded(basic))) return useless('the encoding is not DER')
    if (!isSignedFor(basic, issuer)) return useless(`invalid signature: ${takeReason()}`)
    const found = ocsp.find(basic, id)
    if (found === undefined) return useless('it does not cover this certificate')
    const { nextUpdate, status, thisUpdate } = found
    const beginsIn = ocsp.secondsUntil(thisUpdate)
    // RFC 6960, 2.4 and 4.2.2.1: without nextUpdate newer information is always available.
    const endsIn = nextUpdate === 0 ? (beginsIn ?? 0) + DEFAULT_LIFETIME_S : ocsp.secondsUntil(nextUpdate)
    if (beginsIn === undefined || endsIn === undefined) return useless('its validity period is malformed')
    if (beginsIn > SKEW_S) return useless(`it only becomes valid in ${beginsIn} s`)
    if (endsIn <= 0) return useless(`it expired ${-endsIn} s ago`)
    const expiresInMs = endsIn * 1_000
    if (status === c.V_OCSP_CERTSTATUS_GOOD) return { kind: 'good', expiresInMs }
    if (status === c.V_OCSP_CERTSTATUS_REVOKED) return { kind: 'revoked', expiresInMs }
    return useless('the responder reports the certificate as unknown')
  } finally {
    ocsp.freeId(id)
    ocsp.freeBasic(basic)
  }
}

/** OpenSSL validates the parsed response, but clients get the bytes, so both must be identical. */
function encoded(basic: number): Uint8Array {
  const ocsp = ocspCalls()
  return writtenBytes((bio) => ocsp.write(ocsp.basicType(), bio, basic))
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  const from = bytes.length - end.length
  return from >= 0 && end.every((byte, i) => byte === bytes[from + i])
}

/**
 * Whether the signer is the issuer itself or has a certificate of the issuer for OCSP signing (RFC 6960, 4.2.2.2).
 */
function isSignedFor(basic: number, issuer: number): boolean {
  const x509 = x509Calls()
  const store = x509.openStore()
  const known = x509.newStack()
  try {
    x509.addCertificate(store, issuer)
    // The issuer is the trust anchor, even if it is not self-signed.
    x509.setStoreFlags(store, c.X509_V_FLAG_PARTIAL_CHAIN)
    x509.push(known, issuer)
    return ocspCalls().verify(basic, known, store, c.OCSP_NOEXPLICIT) === 1
  } finally {
    x509.freeStack(known)
    x509.freeStore(store)
  }
}

function useless(reason: string): OcspVerdict {
  return { kind: 'useless', reason }
}
