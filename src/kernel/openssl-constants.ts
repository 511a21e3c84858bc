/** Constants of OpenSSL 3, identical in 3.0 and 3.5 (ssl.h, tls1.h, x509_vfy.h, x509v3.h, ocsp.h). */

// SSL_get_error(3).
export const SSL_ERROR_SSL = 1
export const SSL_ERROR_WANT_READ = 2
export const SSL_ERROR_WANT_WRITE = 3
export const SSL_ERROR_SYSCALL = 5
export const SSL_ERROR_ZERO_RETURN = 6

// SSL_CTX_set_mode(3).
export const SSL_MODE_ENABLE_PARTIAL_WRITE = 0x1
export const SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER = 0x2
export const SSL_MODE_AUTO_RETRY = 0x4
export const SSL_MODE_NO_AUTO_CHAIN = 0x8
export const SSL_MODE_RELEASE_BUFFERS = 0x10

/** Options are 64 bits wide; those used here are below 2^53. */
export const SSL_OP_IGNORE_UNEXPECTED_EOF = 2 ** 7
export const SSL_OP_NO_TICKET = 2 ** 14
export const SSL_OP_NO_COMPRESSION = 2 ** 17
export const SSL_OP_PRIORITIZE_CHACHA = 2 ** 21
export const SSL_OP_CIPHER_SERVER_PREFERENCE = 2 ** 22
export const SSL_OP_NO_RENEGOTIATION = 2 ** 30

// Commands of SSL_ctrl and SSL_CTX_ctrl. The documented functions, such as SSL_CTX_set_mode, are macros for
// them, so only the numbers can be called.
export const SSL_CTRL_MODE = 33
export const SSL_CTRL_SET_READ_AHEAD = 41
export const SSL_CTRL_SET_SESS_CACHE_MODE = 44
export const SSL_CTRL_SET_TLSEXT_SERVERNAME_CB = 53
export const SSL_CTRL_SET_TLSEXT_HOSTNAME = 55
export const SSL_CTRL_SET_TLSEXT_STATUS_REQ_CB = 63
export const SSL_CTRL_SET_TLSEXT_STATUS_REQ_OCSP_RESP = 71
export const SSL_CTRL_CLEAR_MODE = 78
export const SSL_CTRL_CHAIN_CERT = 89
export const SSL_CTRL_SET_GROUPS_LIST = 92
export const SSL_CTRL_SET_MIN_PROTO_VERSION = 123
export const SSL_CTRL_SET_MAX_PROTO_VERSION = 124

/** `SSL_ctrl` command of SSL_get_negotiated_group. */
export const SSL_CTRL_GET_NEGOTIATED_GROUP = 134

// BIO_eof, a macro as well (BIO_ctrl(3)).
export const BIO_CTRL_EOF = 2

// SSL_CTX_set_session_cache_mode(3).
export const SSL_SESS_CACHE_OFF = 0
export const SSL_SESS_CACHE_CLIENT = 1
export const SSL_SESS_CACHE_NO_INTERNAL = 0x300

// SSL_CTX_set_verify(3).
export const SSL_VERIFY_NONE = 0
export const SSL_VERIFY_PEER = 1
export const SSL_VERIFY_FAIL_IF_NO_PEER_CERT = 2

// SSL_set_shutdown(3).
export const SSL_SENT_SHUTDOWN = 1
export const SSL_RECEIVED_SHUTDOWN = 2

// Results of the callbacks for SNI, ALPN and OCSP (SSL_CTX_set_tlsext_servername_callback(3)).
export const SSL_TLSEXT_ERR_OK = 0
export const SSL_TLSEXT_ERR_ALERT_FATAL = 2
export const SSL_TLSEXT_ERR_NOACK = 3

export const OPENSSL_NPN_NEGOTIATED = 1

// The numbers on the wire (RFC 5246, A.1; RFC 8446, 4.2.1).
export const TLS1_2_VERSION = 0x0303
export const TLS1_3_VERSION = 0x0304

// X509_STORE_CTX_get_error(3), X509_VERIFY_PARAM_set_flags(3), X509_check_host(3).
export const X509_V_OK = 0
export const X509_V_FLAG_CRL_CHECK = 0x4
export const X509_V_FLAG_CRL_CHECK_ALL = 0x8
export const X509_V_FLAG_PARTIAL_CHAIN = 0x80000
export const X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS = 0x4

/** The signer of a response needs no explicit trust setting. */
export const OCSP_NOEXPLICIT = 0x20

// OCSP_response_status(3), OCSP_resp_find_status(3).
export const OCSP_RESPONSE_STATUS_SUCCESSFUL = 0
export const V_OCSP_CERTSTATUS_GOOD = 0
export const V_OCSP_CERTSTATUS_REVOKED = 1

// obj_mac.h.
export const NID_commonName = 13
export const NID_subject_alt_name = 85

// Types of a GeneralName (RFC 5280, 4.2.1.6).
export const GEN_EMAIL = 1
export const GEN_DNS = 2
export const GEN_URI = 6
export const GEN_IPADD = 7

/** RFC 2253 with unescaped UTF-8: control characters and separators are escaped. */
export const XN_FLAG_RFC2253_UTF8 = 0x1110313

/** Converts any string type to UTF-8, without escaping. */
export const ASN1_STRFLGS_UTF8_CONVERT = 0x10

// core.h; OSSL_PARAM(3).
export const OSSL_PARAM_UTF8_STRING = 4
export const OSSL_PARAM_OCTET_STRING = 5
