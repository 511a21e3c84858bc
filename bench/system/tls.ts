import type { Launch } from './launch.js'

/**
 * What every TLS client of the benchmark offers, and nothing else, so that all relays do the same work
 * whatever they would prefer: a key exchange that all of them have switched on, and OpenSSL's first suite.
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

/** For a program that is linked with OpenSSL and cannot be told by its own options. */
export function withPinnedTls(launch: Launch): Launch {
  return {
    ...launch,
    files: { ...launch.files, 'openssl.cnf': OPENSSL_CONFIGURATION },
    environment: { ...launch.environment, OPENSSL_CONF: 'openssl.cnf' },
  }
}
