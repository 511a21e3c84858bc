/** Where systems keep the authorities that they trust; OpenSSL of Node looks into none of them. */
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
 * The bundle of the system's authorities: what SSL_CERT_FILE names (openssl-env(7)), else the first place that
 * there is. `read` answers undefined for a file that is not there, so that only who may opens files.
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
