/** OpenSSL functions on SSL objects, one per TLS connection (ssl(7)). */
import { nativeFunction, type Pointer } from './ffi.js'

/** None of the functions throws. */
export interface SslCalls {
  /** The minor version of OpenSSL 3: 0 in Node 20, 5 in Node 22 to 26. */
  readonly minorVersion: number
  /** SSL_new(3): 0 when out of memory. */
  open(context: Pointer): number
  free(ssl: Pointer): void
  /** SSL_set_fd(3): the caller keeps ownership of the descriptor (BIO_NOCLOSE). */
  setFd(ssl: Pointer, fd: number): number
  setAcceptState(ssl: Pointer): void
  setConnectState(ssl: Pointer): void
  /** SSL_do_handshake(3): 1 when complete, otherwise see `errorOf`. */
  handshake(ssl: Pointer): number
  /** SSL_read(3): more than 0: bytes; otherwise see `errorOf`. */
  read(ssl: Pointer, into: Pointer, bytesMax: number): number
  /** SSL_write(3), the same. After WANT_READ or WANT_WRITE the same bytes must be passed again. */
  write(ssl: Pointer, from: Pointer, byteCount: number): number
  /** SSL_shutdown(3): 0 after close_notify was sent, 1 after it was also received; negative: see `errorOf`. */
  shutdown(ssl: Pointer): number
  /** Marks close_notify as sent or received without sending it (SSL_set_shutdown(3)). */
  setShutdown(ssl: Pointer, mode: number): void
  /** SSL_get_error(3), directly after the call that returned `result`. */
  errorOf(ssl: Pointer, result: number): number
  isInitFinished(ssl: Pointer): number
  /** Number of decrypted, unread bytes. */
  pending(ssl: Pointer): number
  /** 1 if any unread bytes are buffered, also incomplete records. */
  hasPending(ssl: Pointer): number
  /** The BIO of the socket; owned by the SSL object. */
  readBio(ssl: Pointer): number
  /** SSL_ctrl(3): what the result means depends on the command. */
  control(ssl: Pointer, command: number, number: number, address: Pointer): number
  contextOf(ssl: Pointer): number
  /**
   * SSL_set_SSL_CTX: changes the certificate during the SNI callback; verification settings are not replaced.
   */
  setContext(ssl: Pointer, context: Pointer): number
  version(ssl: Pointer): number
  currentCipher(ssl: Pointer): number
  /** The name that the client requested (SNI, RFC 6066, 3); type 0 is host_name. */
  serverName(ssl: Pointer, type: number): string | null
  alpnSelected(ssl: Pointer, data: Pointer, length: Pointer): void
  sessionReused(ssl: Pointer): number
  /** X509_V_OK also if the peer sent no certificate (SSL_get_verify_result(3)). */
  verifyResult(ssl: Pointer): number
  pskIdentity(ssl: Pointer): string | null
  /** Returns a reference that the caller frees; 0: none. */
  peerCertificate(ssl: Pointer): number
  /** The certificate of this side. */
  certificate(ssl: Pointer): number
  setSession(ssl: Pointer, session: Pointer): number
  /** BIO_number_read(3): bytes received from the socket so far. */
  bytesReceived(bio: Pointer): number
  bioControl(bio: Pointer, command: number, number: number, address: Pointer): number
  cipherName(cipher: Pointer): string | null
  groupName(ssl: Pointer, id: number): string | null
  verifyErrorText(code: number): string
}

/** Per thread. */
let made: SslCalls | undefined

/**
 * Must be called on the thread that uses the functions. The library is the OpenSSL that Node is linked with and
 * exports.
 */
export function sslCalls(): SslCalls {
  made ??= {
    minorVersion: nativeFunction<() => number>('uint32_t OPENSSL_version_minor()')(),
    ...transferCalls(),
    ...stateCalls(),
    ...factCalls(),
  }
  return made
}

function transferCalls() {
  return {
    open: nativeFunction<SslCalls['open']>('uintptr_t SSL_new(uintptr_t context)'),
    free: nativeFunction<SslCalls['free']>('void SSL_free(uintptr_t ssl)'),
    setFd: nativeFunction<SslCalls['setFd']>('int SSL_set_fd(uintptr_t ssl, int fd)'),
    setAcceptState: nativeFunction<SslCalls['setAcceptState']>('void SSL_set_accept_state(uintptr_t ssl)'),
    setConnectState: nativeFunction<SslCalls['setConnectState']>('void SSL_set_connect_state(uintptr_t ssl)'),
    handshake: nativeFunction<SslCalls['handshake']>('int SSL_do_handshake(uintptr_t ssl)'),
    read: nativeFunction<SslCalls['read']>('int SSL_read(uintptr_t ssl, uintptr_t into, int bytesMax)'),
    write: nativeFunction<SslCalls['write']>('int SSL_write(uintptr_t ssl, uintptr_t from, int byteCount)'),
    shutdown: nativeFunction<SslCalls['shutdown']>('int SSL_shutdown(uintptr_t ssl)'),
    errorOf: nativeFunction<SslCalls['errorOf']>('int SSL_get_error(uintptr_t ssl, int result)'),
  }
}

function stateCalls() {
  return {
    setShutdown: nativeFunction<SslCalls['setShutdown']>('void SSL_set_shutdown(uintptr_t ssl, int mode)'),
    isInitFinished: nativeFunction<SslCalls['isInitFinished']>('int SSL_is_init_finished(uintptr_t ssl)'),
    pending: nativeFunction<SslCalls['pending']>('int SSL_pending(uintptr_t ssl)'),
    hasPending: nativeFunction<SslCalls['hasPending']>('int SSL_has_pending(uintptr_t ssl)'),
    readBio: nativeFunction<SslCalls['readBio']>('uintptr_t SSL_get_rbio(uintptr_t ssl)'),
    control: nativeFunction<SslCalls['control']>(
      'int64 SSL_ctrl(uintptr_t ssl, int command, int64 number, uintptr_t address)',
    ),
    contextOf: nativeFunction<SslCalls['contextOf']>('uintptr_t SSL_get_SSL_CTX(uintptr_t ssl)'),
    setContext: nativeFunction<SslCalls['setContext']>(
      'uintptr_t SSL_set_SSL_CTX(uintptr_t ssl, uintptr_t context)',
    ),
    setSession: nativeFunction<SslCalls['setSession']>(
      'int SSL_set_session(uintptr_t ssl, uintptr_t session)',
    ),
    bytesReceived: nativeFunction<SslCalls['bytesReceived']>('uint64_t BIO_number_read(uintptr_t bio)'),
    bioControl: nativeFunction<SslCalls['bioControl']>(
      'int64 BIO_ctrl(uintptr_t bio, int command, int64 number, uintptr_t address)',
    ),
  }
}

function factCalls() {
  return {
    version: nativeFunction<SslCalls['version']>('int SSL_version(uintptr_t ssl)'),
    currentCipher: nativeFunction<SslCalls['currentCipher']>(
      'uintptr_t SSL_get_current_cipher(uintptr_t ssl)',
    ),
    serverName: nativeFunction<SslCalls['serverName']>(
      'const char *SSL_get_servername(uintptr_t ssl, int type)',
    ),
    alpnSelected: nativeFunction<SslCalls['alpnSelected']>(
      'void SSL_get0_alpn_selected(uintptr_t ssl, uintptr_t data, uintptr_t length)',
    ),
    sessionReused: nativeFunction<SslCalls['sessionReused']>('int SSL_session_reused(uintptr_t ssl)'),
    verifyResult: nativeFunction<SslCalls['verifyResult']>('int64 SSL_get_verify_result(uintptr_t ssl)'),
    pskIdentity: nativeFunction<SslCalls['pskIdentity']>('const char *SSL_get_psk_identity(uintptr_t ssl)'),
    peerCertificate: nativeFunction<SslCalls['peerCertificate']>(
      'uintptr_t SSL_get1_peer_certificate(uintptr_t ssl)',
    ),
    certificate: nativeFunction<SslCalls['certificate']>('uintptr_t SSL_get_certificate(uintptr_t ssl)'),
    cipherName: nativeFunction<SslCalls['cipherName']>('const char *SSL_CIPHER_get_name(uintptr_t cipher)'),
    groupName: nativeFunction<SslCalls['groupName']>('const char *SSL_group_to_name(uintptr_t ssl, int id)'),
    verifyErrorText: nativeFunction<SslCalls['verifyErrorText']>(
      'const char *X509_verify_cert_error_string(int64 code)',
    ),
  }
}
