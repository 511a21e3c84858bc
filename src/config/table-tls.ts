/** The TLS directives of the relay's section, of listeners, of remotes, and of `tls certificate` blocks. */
import { readableFile, writtenFile } from './file-types.js'
import { located } from './located.js'
import { count, time, yesNo } from './number-types.js'
import { completedBlock, optional, repeated, type SettingsOf, value, withoutDefaults } from './row.js'
import { choice, text } from './text-types.js'
import { TLS_VERSIONS } from './tls-mode.js'
import { commaList } from './value-type.js'

const needs = 'TLS'
const file = located(readableFile)
const word = located(text())
const names = located(commaList(text('NAME')))
const version = located(choice(TLS_VERSIONS))

/** Properties of a TLS row that the original does not have. */
function ours(doc: string, defaultText?: string) {
  const text = { doc, isOurs: true, needs } as const
  return defaultText === undefined ? text : { ...text, defaultText }
}

/** Above the length of any real chain, and OpenSSL's own default. */
const DEPTH_MAX = 100

const ciphersDoc =
  'Ciphers for TLS 1.2 in the format of openssl-ciphers(1), separated by colons; quote a list that contains `!`.'
const ciphersuitesDoc = 'Ciphersuites for TLS 1.3, separated by colons.'
const groupsDoc = 'Groups for key exchange in order of preference: `X25519:P-256`.'
const OPENSSL_DEFAULT = "OpenSSL's default"

/** Modes of fetching OCSP responses. */
const OCSP_MODES = ['auto', 'yes', 'no'] as const

export type OcspMode = (typeof OCSP_MODES)[number]

/** Handling of clients whose server name (SNI) matches no certificate. */
const UNKNOWN_NAME_MODES = ['default', 'refuse'] as const

const certificateRows = {
  certFile: optional('cert-file|certfile|cert', file, ours('Certificate with its chain (PEM).', 'mandatory')),
  keyFile: optional(
    'key-file|keyfile|key',
    file,
    ours('Private key of the certificate (PEM or DER).', 'in the certificate file'),
  ),
  passphrase: optional('passphrase', word, ours('Passphrase of the private key.')),
  passphraseFile: optional(
    ['passphrase file', 'passphrase-file'],
    file,
    ours('File whose first line is the passphrase of the private key.'),
  ),
  serverNames: optional(
    ['server name|names', 'server-name'],
    names,
    ours(
      'Clients that request one of these names (SNI) receive this certificate; `*.example.com` matches one label. ' +
        'Certificates with the same names and different key types are combined.',
      'the names in the certificate',
    ),
  ),
  ocspFile: optional(
    ['ocsp-file', 'ocsp file'],
    file,
    ours('OCSP response (DER), stapled for clients that request it.'),
  ),
  ocsp: optional(
    'ocsp',
    choice(OCSP_MODES),
    ours('Whether the OCSP response of this certificate is fetched, see `tls ocsp`.', 'value of `tls ocsp`'),
  ),
  isDefault: value(
    'default',
    yesNo,
    false,
    ours(
      'Clients that send no server name, or an unknown one, receive this certificate. Without this directive ' +
        'the default is the certificate of `tls cert-file`, else the first one.',
    ),
  ),
}

export const certificateBlock = completedBlock(
  'tls certificate',
  'One of several certificates, selected by the server name that clients send (SNI). Repeat it for more.',
  certificateRows,
  ({ certFile, ...rest }, { refuse }) =>
    certFile === undefined ? refuse("this certificate needs 'cert-file'") : { ...rest, certFile },
)

export type CertificateSettings = SettingsOf<typeof certificateBlock>

/** TLS towards clients: in the tcprelay section for all listeners with `tls`, or in a listener for itself. */
const optionalRows = {
  tlsCertFile: optional('tls|ssl cert-file|certfile|cert', file, {
    doc:
      'Certificate for listeners with `tls`, with its chain (PEM, also `TRUSTED CERTIFICATE`). A listener with ' +
      'its own certificates uses none of the section.',
    needs,
  }),
  tlsKeyFile: optional('tls|ssl key-file|keyfile|key', file, {
    doc: 'Private key of the certificate (PEM or DER).',
    defaultText: 'in the certificate file',
    needs,
  }),
  tlsPassphrase: optional('tls|ssl passphrase', word, { doc: 'Passphrase of the private key.', needs }),
  tlsPassphraseFile: optional(
    ['tls|ssl passphrase file', 'tls|ssl passphrase-file'],
    file,
    ours('File whose first line is the passphrase of the private key.'),
  ),
  tlsOcspFile: optional(
    ['tls|ssl ocsp-file', 'tls|ssl ocsp file'],
    file,
    ours('OCSP response (DER) for the certificate, stapled for clients that request it.'),
  ),
  tlsOcsp: optional(
    'tls|ssl ocsp',
    choice(OCSP_MODES),
    ours(
      'Whether the OCSP response of a certificate without `ocsp-file` is fetched, refreshed, and stapled for ' +
        'clients that request it. `auto`: if the certificate names an HTTP responder and the file contains its ' +
        'issuer; `yes`: like `auto`, with a warning if it is not possible; `no`: never. `auto` is the default: a ' +
        'client with a stapled response does not contact the responder, and handshakes never wait for it: a ' +
        'responder that is down costs a log line. The master or single process contacts the responder directly, ' +
        'without a proxy; use `no` where this is not allowed.',
      '`auto`',
    ),
  ),
  tlsCiphers: optional(
    'tls|ssl ciphers',
    word,
    ours(ciphersDoc, 'ciphers with forward secrecy; with `tls psk` also those for pre-shared keys'),
  ),
  tlsCiphersuites: optional(
    'tls|ssl ciphersuites',
    word,
    ours(
      ciphersuitesDoc,
      `${OPENSSL_DEFAULT}; with \`tls psk\` those with SHA-256 first, which pre-shared keys require`,
    ),
  ),
  tlsGroups: optional('tls|ssl groups|curves', word, ours(groupsDoc, OPENSSL_DEFAULT)),
  tlsAlpn: optional(
    'tls|ssl alpn',
    names,
    ours(
      'Application protocols (ALPN) in order of preference: `h2,http/1.1`. A client that offers none of them is ' +
        'rejected (RFC 7301).',
      'no ALPN',
    ),
  ),
  tlsUnknownName: optional(
    ['tls|ssl unknown name', 'tls|ssl unknown-name'],
    choice(UNKNOWN_NAME_MODES),
    ours(
      'Handling of a server name (SNI) that matches no certificate: `default` uses the default certificate, ' +
        '`refuse` aborts the handshake with the alert `unrecognized_name`. A client that sends no server name ' +
        'gets the default certificate.',
      '`default`',
    ),
  ),
  tlsMinVersion: optional(
    ['tls|ssl min|minimum version', 'tls|ssl min-version'],
    version,
    ours('Minimum version among those that `tls` enables.', '`TLSv1.2`'),
  ),
  tlsMaxVersion: optional(
    ['tls|ssl max|maximum version', 'tls|ssl max-version'],
    version,
    ours('Maximum version among those that `tls` enables.', '`TLSv1.3`'),
  ),
  tlsVerify: optional(
    'tls|ssl verify',
    located(choice(['none', 'request', 'require'])),
    ours(
      'Whether clients must present a certificate: `require`, `request` (optional, but a certificate that is ' +
        'presented must be valid), `none`.',
      '`require` with `tls client-ca-file`, else `none`',
    ),
  ),
  tlsClientCaFile: optional(
    ['tls|ssl client-ca-file|client-ca', 'tls|ssl client ca-file'],
    file,
    ours('CA bundle (PEM) for verification of client certificates.'),
  ),
  tlsCrlFile: optional(
    'tls|ssl crl-file|crl',
    file,
    ours(
      'Certificate revocation lists (PEM) of these CAs. Every CA of a chain then needs a list that has not expired.',
    ),
  ),
  tlsVerifyDepth: optional(
    'tls|ssl verify depth',
    count({ max: DEPTH_MAX }),
    ours('Maximum number of intermediate certificates in the chain of a client.', '100'),
  ),
  tlsPskFile: optional(
    ['tls|ssl psk file', 'tls|ssl psk-file'],
    file,
    ours(
      'Pre-shared keys of clients, one per line: `IDENTITY:KEY`, the key in hexadecimal. Empty lines and lines ' +
        'that begin with `#` are ignored. Used by listeners with `tls psk`.',
    ),
  ),
}

const defaultedRows = {
  tlsHandshakeTimeoutMs: value('tls|ssl handshake timeout', time(), 10_000, {
    ...ours('Time limit of a handshake with a client or a remote.'),
    zero: 'no limit',
  }),
  tlsDetectTimeoutMs: value('tls|ssl detect timeout', time(), 3_000, {
    ...ours(
      'With `tls = auto` or `pass`: how long to wait for the first bytes of a client. A client that sends ' +
        'nothing in this time is treated as plain, because the server may speak first. With `pass` and `mavis ' +
        'authorization` such a client may not start TLS afterwards: it was admitted without a server name.',
    ),
    zero: 'value of `tls handshake timeout`',
  }),
  tlsTruncation: value(
    'tls|ssl truncation',
    choice(['reset', 'close']),
    'reset',
    ours(
      'What to forward when one side ends the connection without a TLS close_notify: `reset`, because data may ' +
        'have been truncated, or `close`, as after a close_notify.',
    ),
  ),
}

const certificateList = repeated('tls|ssl certificate', certificateBlock, { isOurs: true, needs })

/** Rows of the tcprelay section only. */
const processRows = {
  tlsKeylogFile: optional(
    ['tls|ssl keylog file', 'tls|ssl keylog-file|keylog'],
    located(writtenFile),
    ours(
      'For debugging: appends the secrets of every connection to this file (NSS key log format). Anyone who can ' +
        'read the file can decrypt all connections.',
    ),
  ),
  tlsKernel: optional(
    'tls|ssl kernel',
    located(choice(['auto', 'yes', 'no'])),
    ours(
      'Whether the kernel encrypts (kTLS): `auto` if possible, `yes` always, `no` never. The OpenSSL of Node is ' +
        'built without kTLS, so `yes` is an error.',
      '`auto`',
    ),
  ),
  tlsWatch: value(
    'tls|ssl watch',
    yesNo,
    false,
    ours('Reload the configuration, as on SIGHUP, when one of the TLS files has changed.'),
  ),
}

export const tlsRows = { ...optionalRows, ...defaultedRows, tlsCertificates: certificateList, ...processRows }

/** The rows that a listener has as well. Without a value of its own, the value of the section applies. */
export const listenerTlsRows = {
  ...withoutDefaults({ ...optionalRows, ...defaultedRows }),
  tlsCertificates: certificateList,
}

/** TLS towards a remote. */
export const remoteTlsRows = {
  serverName: optional(
    'server name',
    word,
    ours('Server name that is sent (SNI) and verified against the certificate.', 'the host of `address`'),
  ),
  verify: value('verify', yesNo, true, ours('Whether the certificate of the remote is verified.')),
  verifyDepth: optional(
    'verify depth',
    count({ max: DEPTH_MAX }),
    ours('Maximum number of intermediate certificates in the chain of the remote.', '100'),
  ),
  caFile: optional(
    'ca-file',
    file,
    ours(
      'Bundle (PEM) of trusted CAs.',
      "the system's: the file in the variable SSL_CERT_FILE, or the usual path of the distribution",
    ),
  ),
  crlFile: optional(
    'crl-file',
    file,
    ours('Certificate revocation lists (PEM) of these CAs. Requires `ca-file`.'),
  ),
  certFile: optional(
    'cert-file',
    file,
    ours('Client certificate with its chain (PEM), sent if the remote requests one.'),
  ),
  keyFile: { ...certificateRows.keyFile, spellings: ['key-file'] },
  passphrase: certificateRows.passphrase,
  passphraseFile: certificateRows.passphraseFile,
  pskFile: optional(
    ['psk file', 'psk-file'],
    file,
    ours(
      'Pre-shared key, a line `IDENTITY:KEY` as in `tls psk file`. It authenticates the remote: regardless of ' +
        '`verify`, a certificate is accepted instead only with `ca-file`.',
    ),
  ),
  pskIdentity: optional(
    ['psk identity', 'psk-identity'],
    word,
    ours('Identity in `psk file` that is sent to the remote.', 'the only identity in the file'),
  ),
  alpn: optional(
    'alpn',
    names,
    ours('Application protocols (ALPN) to offer, in order of preference.', 'none'),
  ),
  ciphers: optional(
    'ciphers',
    word,
    ours(ciphersDoc, "OpenSSL's default; with `psk file` including those for pre-shared keys"),
  ),
  ciphersuites: optional(
    'ciphersuites',
    word,
    ours(ciphersuitesDoc, "OpenSSL's default; with `psk file` those with SHA-256"),
  ),
  groups: optional('groups', word, ours(groupsDoc, OPENSSL_DEFAULT)),
  minVersion: optional(
    'min|minimum version',
    version,
    ours('Minimum version among those that `tls` enables.', '`TLSv1.2`'),
  ),
  maxVersion: optional(
    'max|maximum version',
    version,
    ours('Maximum version among those that `tls` enables.', '`TLSv1.3`'),
  ),
}
