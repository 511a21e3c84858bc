/** Settings that contexts of servers and clients have in common. */
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
 * A relay needs partial writes, and retries of a write from another address. AUTO_RETRY is cleared, so that a read
 * returns after each record without data and a flood of them cannot block the reactor. RELEASE_BUFFERS saves 34 KB
 * per idle connection. NO_AUTO_CHAIN: the chain is sent as configured, not searched in the trust store at every
 * handshake.
 */
const MODES =
  c.SSL_MODE_ENABLE_PARTIAL_WRITE |
  c.SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
  c.SSL_MODE_RELEASE_BUFFERS |
  c.SSL_MODE_NO_AUTO_CHAIN

/**
 * IGNORE_UNEXPECTED_EOF: an end without close_notify must not break the SSL object, because the other direction may
 * still be in use. The channel distinguishes the two kinds of end itself.
 */
const OPTIONS = c.SSL_OP_NO_RENEGOTIATION + c.SSL_OP_NO_COMPRESSION + c.SSL_OP_IGNORE_UNEXPECTED_EOF

/** Applies the common settings. Read-ahead: a record takes one system call instead of two. */
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

/** Encodes ALPN protocol names (RFC 7301, 3.1): each is preceded by its length. */
export function protocolList(names: readonly string[], problems: TlsProblems): Uint8Array {
  const encoded = names.map((name) => new TextEncoder().encode(name))
  for (const [i, { length }] of encoded.entries()) {
    if (length === 0 || length > 255) problems.error('alpn', `'${names[i]}' must have 1 to 255 bytes`)
  }
  return Uint8Array.from(encoded.flatMap((name) => [name.length & 255, ...name]))
}

/** Restricts one connection to a subset of its context's versions. */
export function limitVersions(ssl: number, versions: readonly TlsVersion[]): void {
  setVersions(versions, (command, version) => sslCalls().control(ssl, command, version, 0))
}

function applyVersions(context: number, versions: readonly TlsVersion[], problems: TlsProblems): void {
  if (versions.length === 0) problems.error('versions', 'no TLS version is enabled')
  setVersions(versions, (command, version) => contextCalls().control(context, command, version, 0))
}

function setVersions(
  versions: readonly TlsVersion[],
  control: (command: number, version: number) => number,
): void {
  const numbers = versions.map((version) => NUMBERS[version])
  // Exact only because there are two versions: a subset of them has no gap.
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
    // OpenSSL ignores unknown names as long as one known name remains.
    if (calls.setCipherList(context, name) !== 1) problems.warning('ciphers', `unknown cipher '${name}'`)
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
