import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Launch, Tool } from './launch.js'

/** The key type of a certificate; the cost of a full handshake depends on it. */
export type KeyKind = 'P-256' | 'RSA-2048'

/** A certificate for 127.0.0.1 and its key, made for one measurement. */
export interface CertificateFiles {
  readonly certificateFile: string
  readonly keyFile: string
  /** Both in one file, key last. */
  readonly bothFile: string
}

export const OPENSSL: Tool = { command: 'openssl', debianPackage: 'openssl' }

const CERTIFICATE_FILE = 'certificate.pem'
const KEY_FILE = 'key.pem'

const NEW_KEY: Readonly<Record<KeyKind, readonly string[]>> = {
  'P-256': ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'RSA-2048': ['-newkey', 'rsa:2048'],
}

/** Makes key and certificate in its working directory. */
export function certificateLaunch(kind: KeyKind): Launch {
  const files = ['-keyout', KEY_FILE, '-out', CERTIFICATE_FILE, '-nodes']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  return {
    command: OPENSSL.command,
    args: ['req', '-x509', '-days', '30', ...NEW_KEY[kind], ...files, ...subject],
  }
}

/** The files that `certificateLaunch` has made in the folder; throws if it has not. */
export function certificateIn(dir: string): CertificateFiles {
  const certificateFile = join(dir, CERTIFICATE_FILE)
  const keyFile = join(dir, KEY_FILE)
  const bothFile = join(dir, 'both.pem')
  writeFileSync(bothFile, readFileSync(certificateFile, 'latin1') + readFileSync(keyFile, 'latin1'), {
    mode: 0o600,
  })
  return { certificateFile, keyFile, bothFile }
}
