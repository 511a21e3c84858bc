/** The system's trusted authorities. */

/** Their locations by distribution; Node's OpenSSL does not use them by default. */
const BUNDLES: readonly string[] = [
  '/etc/ssl/certs/ca-certificates.crt', // Debian, Ubuntu, Arch, Alpine, Gentoo
  '/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem', // Fedora, RHEL
  '/etc/pki/tls/certs/ca-bundle.crt', // older RHEL
  '/etc/ssl/ca-bundle.pem', // openSUSE
  '/var/lib/ca-certificates/ca-bundle.pem', // openSUSE
  '/etc/ssl/cert.pem', // Alpine
]

export interface SystemAuthorities {
  readonly path: string
  readonly bytes: Uint8Array
}

/**
 * The system's bundle: the file in SSL_CERT_FILE (openssl-env(7)), otherwise the first existing location. `read`
 * returns undefined for a missing file; it is an argument because this layer opens no files.
 */
export function findSystemAuthorities(
  read: (path: string) => Uint8Array | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): SystemAuthorities | undefined {
  const named = environment.SSL_CERT_FILE
  for (const path of named ? [named] : BUNDLES) {
    const bytes = read(path)
    if (bytes !== undefined) return { path, bytes }
  }
  return undefined
}
