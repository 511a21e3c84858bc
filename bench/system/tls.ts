import type { Launch } from './launch.js'

/**
 * The only offer of every TLS client of the benchmark, so that all relays do the same work: a key
 * exchange that all of them have enabled, and OpenSSL's first suite.
 */
export const TLS_GROUP = 'X25519'
export const TLS_SUITE = 'TLS_AES_256_GCM_SHA384'

const OPENSSL_CONFIGURATION = `openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = pinned
[pinned]
MinProtocol = TLSv1.3
MaxProtocol = TLSv1.3
Groups = ${TLS_GROUP}
Ciphersuites = ${TLS_SUITE}
`

/** For a program that is linked with OpenSSL and has no options for it. */
export function withPinnedTls(launch: Launch): Launch {
  return {
    ...launch,
    files: { ...launch.files, 'openssl.cnf': OPENSSL_CONFIGURATION },
    environment: { ...launch.environment, OPENSSL_CONF: 'openssl.cnf' },
  }
}
