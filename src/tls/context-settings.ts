import * as c from '../kernel/openssl-constants.js'
import { contextCalls } from '../kernel/openssl-context.js'
import { clearErrors, takeReason } from '../kernel/openssl-errors.js'
import { withNativeBytes } from '../kernel/openssl-memory.js'
import { sslCalls } from '../kernel/openssl-ssl.js'
import { ALL_VERSIONS, type CommonTlsOptions, type TlsProblems, type TlsVersion } from './options.js'

const NUMBERS: Readonly<Record<TlsVersion, number>> = {
  'TLSv1.2': c.TLS1_2_VERSION,
  'TLSv1.3': c.TLS1_3_VERSION,
}

/**
 * Partial writes, and a buffer that may have moved when a write is tried again, are what a relay needs. Without
 * AUTO_RETRY a read comes back after a record that brings nothing, so that a flood of them cannot keep it. Buffers
 * of idle connections are released: 34 KB each. A chain is what the file says and not searched for at every handshake.
 */
const MODES =
  c.SSL_MODE_ENABLE_PARTIAL_WRITE |
  c.SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
  c.SSL_MODE_RELEASE_BUFFERS |
  c.SSL_MODE_NO_AUTO_CHAIN

/**
 * An end without close_notify must not break the object, because the other direction may go on: the channel
 * tells the two ends apart itself.
 */
const OPTIONS = c.SSL_OP_NO_RENEGOTIATION + c.SSL_OP_NO_COMPRESSION + c.SSL_OP_IGNORE_UNEXPECTED_EOF

/** Sets what servers and clients have in common. Read-ahead: a record costs one system call instead of two. */
export function applySettings(context: number, options: CommonTlsOptions, problems: TlsProblems): void {
  const calls = contextCalls()
  calls.control(context, c.SSL_CTRL_MODE, MODES, 0)
  calls.control(context, c.SSL_CTRL_CLEAR_MODE, c.SSL_MODE_AUTO_RETRY, 0)
  calls.control(context, c.SSL_CTRL_SET_READ_AHEAD, 1, 0)
  calls.setOptions(context, OPTIONS)
  applyVersions(context, options.versions ?? ALL_VERSIONS, problems)
  applyCiphers(context, options, problems)
  if (options.groups !== undefined) applyGroups(context, options.groups, problems)
}

/** Protocol names as they travel (RFC 7301): each with its length in front. */
export function protocolList(names: readonly string[], problems: TlsProblems): Uint8Array {
  const encoded = names.map((name) => new TextEncoder().encode(name))
  for (const [i, { length }] of encoded.entries()) {
    if (length === 0 || length > 255) problems.error('alpn', `'${names[i]}' does not have 1 to 255 bytes`)
  }
  return Uint8Array.from(encoded.flatMap((name) => [name.length & 255, ...name]))
}

/** For one connection, of those that its context speaks. */
export function limitVersions(ssl: number, versions: readonly TlsVersion[]): void {
  setVersions(versions, (command, version) => sslCalls().control(ssl, command, version, 0))
}

function applyVersions(context: number, versions: readonly TlsVersion[], problems: TlsProblems): void {
  if (versions.length === 0) problems.error('versions', 'no version of TLS is allowed')
  setVersions(versions, (command, version) => contextCalls().control(context, command, version, 0))
}

function setVersions(
  versions: readonly TlsVersion[],
  control: (command: number, version: number) => number,
): void {
  const numbers = versions.map((version) => NUMBERS[version])
  control(c.SSL_CTRL_SET_MIN_PROTO_VERSION, Math.min(...numbers))
  control(c.SSL_CTRL_SET_MAX_PROTO_VERSION, Math.max(...numbers))
}

function applyCiphers(context: number, options: CommonTlsOptions, problems: TlsProblems): void {
  const { ciphers, ciphersuites } = options
  const calls = contextCalls()
  if (ciphersuites !== undefined && calls.setCiphersuites(context, ciphersuites) !== 1) {
    problems.error('ciphersuites', `these ciphersuites cannot be used: ${takeReason()}`)
  }
  if (ciphers === undefined) return
  for (const name of ciphers.split(/[:, ]+/).filter((word) => /^[A-Za-z0-9-]+$/.test(word))) {
    // OpenSSL passes over names that it does not know as long as any other is left.
    if (calls.setCipherList(context, name) !== 1) problems.warning('ciphers', `there is no cipher '${name}'`)
  }
  clearErrors()
  if (calls.setCipherList(context, ciphers) !== 1) {
    problems.error('ciphers', `these ciphers cannot be used: ${takeReason()}`)
  }
}

function applyGroups(context: number, groups: string, problems: TlsProblems): void {
  const set = (address: number) => contextCalls().control(context, c.SSL_CTRL_SET_GROUPS_LIST, 0, address)
  if (withNativeBytes(new TextEncoder().encode(groups), set) !== 1) {
    problems.error('groups', `these groups cannot be used: ${takeReason()}`)
  }
}
