/** OpenSSL functions on an SSL_CTX, the factory of SSL objects (ssl(7)). */
import { nativeFunction, type Pointer } from './ffi.js'

/** Functions that return a number return 1 on success, unless documented otherwise. */
export interface ContextCalls {
  serverMethod(): number
  clientMethod(): number
  /** Returns 0 when out of memory. */
  open(method: Pointer): number
  free(context: Pointer): void
  /** SSL_CTX_ctrl(3): what the result means depends on the command. */
  control(context: Pointer, command: number, number: number, address: Pointer): number
  /** SSL_CTX_callback_ctrl(3): sets the callbacks for SNI and OCSP. */
  callbackControl(context: Pointer, command: number, callback: Pointer): number
  /** Adds to the options that are set, and returns all of them. */
  setOptions(context: Pointer, options: number): number
  /** TLS 1.2 and older; `setCiphersuites` is TLS 1.3. */
  setCipherList(context: Pointer, names: string): number
  setCiphersuites(context: Pointer, names: string): number
  /** The context takes its own references of certificate and key. */
  useCertificate(context: Pointer, certificate: Pointer): number
  usePrivateKey(context: Pointer, key: Pointer): number
  /** The context takes its own reference. */
  setStore(context: Pointer, store: Pointer): void
  /** The context takes ownership of the stack and its names. */
  setClientAuthorities(context: Pointer, names: Pointer): void
  /** A deep copy of such a stack. */
  duplicateNames(names: Pointer): number
  setVerify(context: Pointer, mode: number, callback: Pointer): void
  setVerifyDepth(context: Pointer, depth: number): void
  /** Verification parameters, owned by the context. */
  parameters(context: Pointer): number
  /** The name that the peer's certificate must have (X509_VERIFY_PARAM_set1_host(3)). */
  setHost(parameters: Pointer, name: string, byteLength: number): number
  setHostFlags(parameters: Pointer, flags: number): void
  setAddress(parameters: Pointer, text: string): number
  /**
   * Sessions of another id are not resumed. Without one, resumption fails if client certificates are
   * requested.
   */
  setSessionIdContext(context: Pointer, id: Uint8Array, byteLength: number): number
  setTicketCount(context: Pointer, count: number): number
  /** Returns 0 on success. */
  setAlpnProtocols(context: Pointer, list: Uint8Array, byteLength: number): number
  setAlpnCallback(context: Pointer, callback: Pointer, argument: Pointer): void
  setTicketCallback(context: Pointer, callback: Pointer): number
  setPskServerCallback(context: Pointer, callback: Pointer): void
  setPskClientCallback(context: Pointer, callback: Pointer): void
  setKeyLogCallback(context: Pointer, callback: Pointer): void
  setNewSessionCallback(context: Pointer, callback: Pointer): void
  /** Chooses by the server's preference (RFC 7301, 3.2): OPENSSL_NPN_NEGOTIATED if there is a common protocol. */
  selectProtocol(
    chosen: Pointer,
    length: Pointer,
    server: Pointer,
    serverBytes: number,
    client: Pointer,
    clientBytes: number,
  ): number
  /** Drops a reference that the new-session callback kept. */
  freeSession(session: Pointer): void
  sessionVersion(session: Pointer): number
}

/** Looked up once per thread: each worker has its own copy of this module. */
let made: ContextCalls | undefined

/** Must be called on the thread that uses the functions. */
export function contextCalls(): ContextCalls {
  made ??= { ...makingCalls(), ...trustCalls(), ...sessionCalls(), ...callbackCalls() }
  return made
}

// Each property is one prototype; what its arguments mean is documented in the interface above.
function makingCalls() {
  type C = ContextCalls
  return {
    serverMethod: nativeFunction<C['serverMethod']>('uintptr_t TLS_server_method()'),
    clientMethod: nativeFunction<C['clientMethod']>('uintptr_t TLS_client_method()'),
    open: nativeFunction<C['open']>('uintptr_t SSL_CTX_new(uintptr_t method)'),
    free: nativeFunction<C['free']>('void SSL_CTX_free(uintptr_t context)'),
    control: nativeFunction<C['control']>(
      'int64 SSL_CTX_ctrl(uintptr_t context, int command, int64 number, uintptr_t address)',
    ),
    setOptions: nativeFunction<C['setOptions']>(
      'uint64_t SSL_CTX_set_options(uintptr_t context, uint64_t options)',
    ),
    setCipherList: nativeFunction<C['setCipherList']>(
      'int SSL_CTX_set_cipher_list(uintptr_t context, const char *names)',
    ),
    setCiphersuites: nativeFunction<C['setCiphersuites']>(
      'int SSL_CTX_set_ciphersuites(uintptr_t context, const char *names)',
    ),
    useCertificate: nativeFunction<C['useCertificate']>(
      'int SSL_CTX_use_certificate(uintptr_t context, uintptr_t certificate)',
    ),
    usePrivateKey: nativeFunction<C['usePrivateKey']>(
      'int SSL_CTX_use_PrivateKey(uintptr_t context, uintptr_t key)',
    ),
  }
}

function trustCalls() {
  type C = ContextCalls
  return {
    setStore: nativeFunction<C['setStore']>(
      'void SSL_CTX_set1_cert_store(uintptr_t context, uintptr_t store)',
    ),
    setClientAuthorities: nativeFunction<C['setClientAuthorities']>(
      'void SSL_CTX_set_client_CA_list(uintptr_t context, uintptr_t names)',
    ),
    duplicateNames: nativeFunction<C['duplicateNames']>('uintptr_t SSL_dup_CA_list(uintptr_t names)'),
    setVerify: nativeFunction<C['setVerify']>(
      'void SSL_CTX_set_verify(uintptr_t context, int mode, uintptr_t callback)',
    ),
    setVerifyDepth: nativeFunction<C['setVerifyDepth']>(
      'void SSL_CTX_set_verify_depth(uintptr_t context, int depth)',
    ),
    parameters: nativeFunction<C['parameters']>('uintptr_t SSL_CTX_get0_param(uintptr_t context)'),
    setHost: nativeFunction<C['setHost']>(
      'int X509_VERIFY_PARAM_set1_host(uintptr_t parameters, const char *name, size_t byteLength)',
    ),
    setHostFlags: nativeFunction<C['setHostFlags']>(
      'void X509_VERIFY_PARAM_set_hostflags(uintptr_t parameters, uint32_t flags)',
    ),
    setAddress: nativeFunction<C['setAddress']>(
      'int X509_VERIFY_PARAM_set1_ip_asc(uintptr_t parameters, const char *text)',
    ),
  }
}

function sessionCalls() {
  type C = ContextCalls
  return {
    setSessionIdContext: nativeFunction<C['setSessionIdContext']>(
      'int SSL_CTX_set_session_id_context(uintptr_t context, const uint8_t *id, uint32_t byteLength)',
    ),
    setTicketCount: nativeFunction<C['setTicketCount']>(
      'int SSL_CTX_set_num_tickets(uintptr_t context, size_t count)',
    ),
    freeSession: nativeFunction<C['freeSession']>('void SSL_SESSION_free(uintptr_t session)'),
    sessionVersion: nativeFunction<C['sessionVersion']>(
      'int SSL_SESSION_get_protocol_version(uintptr_t session)',
    ),
  }
}

function callbackCalls() {
  type C = ContextCalls
  return {
    callbackControl: nativeFunction<C['callbackControl']>(
      'int64 SSL_CTX_callback_ctrl(uintptr_t context, int command, uintptr_t callback)',
    ),
    setAlpnProtocols: nativeFunction<C['setAlpnProtocols']>(
      'int SSL_CTX_set_alpn_protos(uintptr_t context, const uint8_t *list, uint32_t byteLength)',
    ),
    setAlpnCallback: nativeFunction<C['setAlpnCallback']>(
      'void SSL_CTX_set_alpn_select_cb(uintptr_t context, uintptr_t callback, uintptr_t argument)',
    ),
    setTicketCallback: nativeFunction<C['setTicketCallback']>(
      'int SSL_CTX_set_tlsext_ticket_key_evp_cb(uintptr_t context, uintptr_t callback)',
    ),
    setPskServerCallback: nativeFunction<C['setPskServerCallback']>(
      'void SSL_CTX_set_psk_server_callback(uintptr_t context, uintptr_t callback)',
    ),
    setPskClientCallback: nativeFunction<C['setPskClientCallback']>(
      'void SSL_CTX_set_psk_client_callback(uintptr_t context, uintptr_t callback)',
    ),
    setKeyLogCallback: nativeFunction<C['setKeyLogCallback']>(
      'void SSL_CTX_set_keylog_callback(uintptr_t context, uintptr_t callback)',
    ),
    setNewSessionCallback: nativeFunction<C['setNewSessionCallback']>(
      'void SSL_CTX_sess_set_new_cb(uintptr_t context, uintptr_t callback)',
    ),
    selectProtocol: nativeFunction<C['selectProtocol']>(
      'int SSL_select_next_proto(uintptr_t chosen, uintptr_t length, uintptr_t server, uint32_t serverBytes, uintptr_t client, uint32_t clientBytes)',
    ),
  }
}
