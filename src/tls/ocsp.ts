import * as c from '../kernel/openssl-constants.js'
import { sha256Of } from '../kernel/openssl-digest.js'
import { clearErrors, takeReason } from '../kernel/openssl-errors.js'
import { ocspCalls, textsOf } from '../kernel/openssl-ocsp.js'
import { readingBytes, writtenBytes, x509Calls } from '../kernel/openssl-x509.js'
import { readCertificates } from './certificate.js'
import { certificateFacts, hex } from './x509-facts.js'

/** Where the OCSP responses of a certificate come from, and what is asked for. */
export interface OcspSource {
  /** The same for the same certificate at the same responder. */
  readonly id: string
  /** `http://…` */
  readonly url: string
  /** DER. */
  readonly request: Uint8Array
  /** The certificate's subject and number, for messages. */
  readonly name: string
  /** The certificate and its issuer, as the source was made from. */
  readonly chain: Uint8Array
}

/** What is to be made of a response. */
export type OcspVerdict =
  /** It may be shown to clients until it expires. */
  | { readonly kind: 'good'; readonly expiresInMs: number }
  | { readonly kind: 'revoked'; readonly expiresInMs: number }
  /** It says nothing; `reason` begins in lower case. */
  | { readonly kind: 'useless'; readonly reason: string }

/** Clocks that differ by no more than this are no reason to refuse. */
const SKEW_S = 300

/** How long a response is good that does not say so. */
const DEFAULT_LIFETIME_S = 86_400

/** Why no responses can be fetched for the first certificate of `chain`, or from where. It has been read before. */
export function ocspSource(chain: Uint8Array): OcspSource | string {
  return (
    withIssuer(chain, ({ leaf, issuer }) => {
      const url = responderOf(leaf)
      if (url === undefined) return 'the certificate names no OCSP responder (http)'
      if (issuer === 0)
        return "the issuer's certificate is not in the file: no OCSP response can be asked for"
      const request = requestFor(leaf, issuer)
      const { serial, subject } = certificateFacts(leaf)
      const digest = sha256Of([request, new TextEncoder().encode(url)])
      return { id: hex(digest), url, request, name: `'${subject}' (serial ${serial})`, chain }
    }) ?? 'the certificate cannot be read'
  )
}

/** Checks a response from the network: who has signed it, whom it is about, what it says, and until when. */
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
  /** 0: it is not in the file. */
  readonly issuer: number
}

/** The certificates last as long as `use`. */
function withIssuer<T>(chain: Uint8Array, use: (pair: Pair) => T): T | undefined {
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

/** The first one that is asked without TLS: the response proves itself, and TLS would need one in turn. */
function responderOf(leaf: number): string | undefined {
  const ocsp = ocspCalls()
  const stack = ocsp.responders(leaf)
  const urls = textsOf(stack)
  if (stack !== 0) ocsp.freeResponders(stack)
  return urls.find((url) => URL.canParse(url) && new URL(url).protocol === 'http:')
}

/** Without a nonce: many responders give everybody the same response, signed in advance (RFC 5019). */
function requestFor(leaf: number, issuer: number): Uint8Array {
  const ocsp = ocspCalls()
  const request = ocsp.openRequest()
  ocsp.addId(request, ocsp.identify(0, leaf, issuer))
  const bytes = writtenBytes((bio) => ocsp.write(ocsp.requestType(), bio, request))
  ocsp.freeRequest(request)
  return bytes
}

/** An OCSP_RESPONSE that was successful, which the caller frees; or why there is none. */
function readResponse(bytes: Uint8Array): number | string {
  const ocsp = ocspCalls()
  let isAll = false
  const response = readingBytes(bytes, (bio) => {
    const read = ocsp.read(ocsp.responseType(), bio, 0)
    isAll = x509Calls().pendingBio(bio) === 0
    return read
  })
  if (response === 0) return `it is no OCSP response: ${takeReason()}`
  const status = ocsp.statusOf(response)
  if (status === c.OCSP_RESPONSE_STATUS_SUCCESSFUL && isAll) return response
  ocsp.freeResponse(response)
  return isAll ? `the responder says: ${ocsp.statusText(status)}` : 'there is something behind the response'
}

function responseVerdict(response: number, bytes: Uint8Array, { issuer, leaf }: Pair): OcspVerdict {
  const ocsp = ocspCalls()
  const basic = ocsp.basicOf(response)
  if (basic === 0) return useless(`it is no basic OCSP response: ${takeReason()}`)
  const id = ocsp.identify(0, leaf, issuer)
  try {
    if (!endsWith(bytes, encoded(basic))) return useless('it is not encoded as DER says')
    if (!isSignedFor(basic, issuer)) return useless(`its signature is not to be believed: ${takeReason()}`)
    const found = ocsp.find(basic, id)
    if (found === undefined) return useless('it is about another certificate')
    const { nextUpdate, status, thisUpdate } = found
    const beginsIn = ocsp.secondsUntil(thisUpdate)
    const endsIn = nextUpdate === 0 ? (beginsIn ?? 0) + DEFAULT_LIFETIME_S : ocsp.secondsUntil(nextUpdate)
    if (beginsIn === undefined || endsIn === undefined) return useless('its times cannot be read')
    if (beginsIn > SKEW_S) return useless(`it is not valid before ${beginsIn} s from now`)
    if (endsIn <= 0) return useless(`it has expired ${-endsIn} s ago`)
    const expiresInMs = endsIn * 1_000
    if (status === c.V_OCSP_CERTSTATUS_GOOD) return { kind: 'good', expiresInMs }
    if (status === c.V_OCSP_CERTSTATUS_REVOKED) return { kind: 'revoked', expiresInMs }
    return useless('the responder does not know the certificate')
  } finally {
    ocsp.freeId(id)
    ocsp.freeBasic(basic)
  }
}

/** OpenSSL checks what it has read, and clients get the bytes: these have to be the same thing. */
function encoded(basic: number): Uint8Array {
  const ocsp = ocspCalls()
  return writtenBytes((bio) => ocsp.write(ocsp.basicType(), bio, basic))
}

function endsWith(bytes: Uint8Array, end: Uint8Array): boolean {
  const from = bytes.length - end.length
  return from >= 0 && end.every((byte, i) => byte === bytes[from + i])
}

/** By the issuer itself, or by somebody to whom it has given a certificate for that. Nobody else is believed. */
function isSignedFor(basic: number, issuer: number): boolean {
  const x509 = x509Calls()
  const store = x509.openStore()
  const known = x509.newStack()
  try {
    x509.addCertificate(store, issuer)
    // The issuer is believed here, whoever has signed its own certificate.
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
