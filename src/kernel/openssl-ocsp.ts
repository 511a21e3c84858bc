/** OpenSSL functions on OCSP requests and responses (OCSP_cert_to_id(3), OCSP_resp_find_status(3), RFC 6960). */
import { nativeFunction, nativeText, type Pointer } from './ffi.js'

/** Functions that return a pointer return 0 if there is none. */
export interface OcspCalls {
  /** The URIs of the responders, as a stack of strings. */
  responders(certificate: Pointer): number
  freeResponders(stack: Pointer): void
  /** 0: `issuer` issued the certificate, as far as can be determined without verifying the signature. */
  checkIssued(issuer: Pointer, certificate: Pointer): number
  /** With SHA-1, which every responder supports (RFC 5019, 2.1.1). */
  identify(digest: Pointer, certificate: Pointer, issuer: Pointer): number
  freeId(id: Pointer): void
  openRequest(): number
  freeRequest(request: Pointer): void
  /** The request takes ownership of the id. */
  addId(request: Pointer, id: Pointer): number
  // Requests and responses are encoded by their ASN.1 templates: the d2i and i2d functions for BIOs are
  // macros.
  requestType(): number
  responseType(): number
  write(type: Pointer, bio: Pointer, value: Pointer): number
  read(type: Pointer, bio: Pointer, into: number): number
  freeResponse(response: Pointer): void
  /** The status of the response as a whole: an error has no certificate status (RFC 6960, 4.2.1). */
  statusOf(response: Pointer): number
  statusText(status: number): string
  /** The signed part, a copy that the caller frees; 0: another type of response, or malformed. */
  basicOf(response: Pointer): number
  basicType(): number
  freeBasic(basic: Pointer): void
  /** `certificates` may contain the signer if the response does not. Returns 1 if signature and trust are valid. */
  verify(basic: Pointer, certificates: Pointer, store: Pointer, flags: number): number
  /** The status of the certificate with this id; undefined if it is not in the response. Absent times are 0. */
  find(basic: Pointer, id: Pointer): FoundStatus | undefined
  /** Seconds from now to this time; undefined if it is malformed. */
  secondsUntil(time: Pointer): number | undefined
}

export interface FoundStatus {
  readonly status: number
  readonly thisUpdate: number
  readonly nextUpdate: number
}

const DAY_S = 86_400

/** Per thread. */
let made: OcspCalls | undefined

/** Must be called on the thread that uses the functions. */
export function ocspCalls(): OcspCalls {
  made ??= { ...requestCalls(), ...responseCalls(), find: finder(), secondsUntil: clock() }
  return made
}

function requestCalls() {
  type O = OcspCalls
  return {
    responders: nativeFunction<O['responders']>('uintptr_t X509_get1_ocsp(uintptr_t certificate)'),
    freeResponders: nativeFunction<O['freeResponders']>('void X509_email_free(uintptr_t stack)'),
    checkIssued: nativeFunction<O['checkIssued']>(
      'int X509_check_issued(uintptr_t issuer, uintptr_t certificate)',
    ),
    identify: nativeFunction<O['identify']>(
      'uintptr_t OCSP_cert_to_id(uintptr_t digest, uintptr_t certificate, uintptr_t issuer)',
    ),
    freeId: nativeFunction<O['freeId']>('void OCSP_CERTID_free(uintptr_t id)'),
    openRequest: nativeFunction<O['openRequest']>('uintptr_t OCSP_REQUEST_new()'),
    freeRequest: nativeFunction<O['freeRequest']>('void OCSP_REQUEST_free(uintptr_t request)'),
    addId: nativeFunction<O['addId']>('uintptr_t OCSP_request_add0_id(uintptr_t request, uintptr_t id)'),
    requestType: nativeFunction<O['requestType']>('uintptr_t OCSP_REQUEST_it()'),
    write: nativeFunction<O['write']>(
      'int ASN1_item_i2d_bio(uintptr_t type, uintptr_t bio, uintptr_t value)',
    ),
  }
}

function responseCalls() {
  type O = OcspCalls
  return {
    responseType: nativeFunction<O['responseType']>('uintptr_t OCSP_RESPONSE_it()'),
    read: nativeFunction<O['read']>(
      'uintptr_t ASN1_item_d2i_bio(uintptr_t type, uintptr_t bio, uintptr_t into)',
    ),
    freeResponse: nativeFunction<O['freeResponse']>('void OCSP_RESPONSE_free(uintptr_t response)'),
    statusOf: nativeFunction<O['statusOf']>('int OCSP_response_status(uintptr_t response)'),
    statusText: nativeFunction<O['statusText']>('const char *OCSP_response_status_str(int64 status)'),
    basicOf: nativeFunction<O['basicOf']>('uintptr_t OCSP_response_get1_basic(uintptr_t response)'),
    basicType: nativeFunction<O['basicType']>('uintptr_t OCSP_BASICRESP_it()'),
    freeBasic: nativeFunction<O['freeBasic']>('void OCSP_BASICRESP_free(uintptr_t basic)'),
    verify: nativeFunction<O['verify']>(
      'int OCSP_basic_verify(uintptr_t basic, uintptr_t certificates, uintptr_t store, uintptr_t flags)',
    ),
  }
}

function finder(): OcspCalls['find'] {
  const find = nativeFunction<
    (
      basic: Pointer,
      id: Pointer,
      status: Int32Array,
      reason: number,
      revokedAt: number,
      thisUpdate: BigUint64Array,
      nextUpdate: BigUint64Array,
    ) => number
  >(
    // Reason and time of a revocation are not asked for: a revoked certificate is a failure anyway.
    'int OCSP_resp_find_status(uintptr_t basic, uintptr_t id, _Out_ int *status, uintptr_t reason, uintptr_t revoked_at, _Out_ uint64_t *this_update, _Out_ uint64_t *next_update)',
  )
  return (basic, id) => {
    const [status, begin, end] = [new Int32Array(1), new BigUint64Array(1), new BigUint64Array(1)]
    if (find(basic, id, status, 0, 0, begin, end) !== 1) return undefined
    return { status: status[0] ?? -1, thisUpdate: Number(begin[0]), nextUpdate: Number(end[0]) }
  }
}

function clock(): OcspCalls['secondsUntil'] {
  const difference = nativeFunction<
    (days: Int32Array, seconds: Int32Array, from: number, to: Pointer) => number
  >('int ASN1_TIME_diff(_Out_ int *days, _Out_ int *seconds, uintptr_t from, uintptr_t to)')
  return (time) => {
    const [days, seconds] = [new Int32Array(1), new Int32Array(1)]
    if (difference(days, seconds, 0, time) !== 1) return undefined
    return (days[0] ?? 0) * DAY_S + (seconds[0] ?? 0)
  }
}

/** The strings of a stack. */
export function textsOf(stack: Pointer): readonly string[] {
  const count = nativeFunction<(stack: Pointer) => number>('int OPENSSL_sk_num(uintptr_t stack)')
  const element = nativeFunction<(stack: Pointer, index: number) => number>(
    'uintptr_t OPENSSL_sk_value(uintptr_t stack, int index)',
  )
  if (stack === 0) return []
  return Array.from({ length: count(stack) }, (_, i) => nativeText(element(stack, i)))
}
