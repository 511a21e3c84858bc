import { readableFile, writtenFile } from './file-types.js'
import { located } from './located.js'
import { count, time, yesNo } from './number-types.js'
import { completedBlock, optional, repeated, type SettingsOf, type ValueRow, value } from './row.js'
import { choice, text } from './text-types.js'
import { TLS_VERSIONS } from './tls-mode.js'
import { commaList } from './value-type.js'

const needs = 'TLS'
const file = located(readableFile)
const word = located(text())
const names = located(commaList(text('NAME')))
const version = located(choice(TLS_VERSIONS))

/** Of a directive that the original does not have. */
function ours(doc: string, defaultText?: string) {
  const text = { doc, isOurs: true, needs } as const
  return defaultText === undefined ? text : { ...text, defaultText }
}

/** Depths beyond it are no chain that anybody has. */
const DEPTH_MAX = 100

const ciphersDoc =
  'Ciphers for TLS 1.2, as openssl-ciphers(1) describes them: names and groups with colons between; with `!` in quotes.'
const ciphersuitesDoc = 'Ciphersuites for TLS 1.3: names with colons between them.'
const groupsDoc = 'Groups for the key exchange, the preferred one first: `X25519:P-256`.'
const opensslsChoice = "OpenSSL's choice"

/** Whether OCSP responses are fetched. */
const OCSP_MODES = ['auto', 'yes', 'no'] as const

export type OcspMode = (typeof OCSP_MODES)[number]

/** What becomes of clients that ask for a name that no certificate has. */
const UNKNOWN_NAME_MODES = ['default', 'refuse'] as const

const certificateRows = {
  certFile: optional(
    'cert-file|certfile|cert',
    file,
    ours('The certificate, with its chain, as PEM.', 'mandatory'),
  ),
  keyFile: optional('key-file|keyfile|key', file, ours('Its key, as PEM or DER.', 'in the certificate file')),
  passphrase: optional('passphrase', word, ours('Passphrase of the key.')),
  passphraseFile: optional(
    ['passphrase file', 'passphrase-file'],
    file,
    ours('File whose first line is the passphrase of the key.'),
  ),
  serverNames: optional(
    ['server name|names', 'server-name'],
    names,
    ours(
      'Clients that ask for one of these names get this certificate; `*.example.com` stands for one label more. ' +
        'Certificates with the same names and keys of different kinds complete each other.',
      'the names in the certificate',
    ),
  ),
  ocspFile: optional(
    ['ocsp-file', 'ocsp file'],
    file,
    ours('OCSP response (DER) that is handed to clients that ask for it.'),
  ),
  ocsp: optional(
    'ocsp',
    choice(OCSP_MODES),
    ours('Whether its OCSP response is fetched, as `tls ocsp` says.', 'what `tls ocsp` says'),
  ),
  isDefault: value(
    'default',
    yesNo,
    false,
    ours(
      'Clients that ask for no name, or for an unknown one, get this certificate. Without any such line it is the ' +
        'one of `tls cert-file`, else the first.',
    ),
  ),
}

export const certificateBlock = completedBlock(
  'tls certificate',
  'One of several certificates; clients say by name which one they want (SNI). Repeat it for more.',
  certificateRows,
  ({ certFile, ...rest }, { refuse }) =>
    certFile === undefined ? refuse("this certificate needs a 'cert-file'") : { ...rest, certFile },
)

export type CertificateSettings = SettingsOf<typeof certificateBlock>

/** How clients are served. Of the tcprelay section for every listener with `tls`, and of a listener for itself. */
const optionalRows = {
  tlsCertFile: optional('tls|ssl cert-file|certfile|cert', file, {
    doc:
      'Certificate for listeners with `tls`, with its chain, as PEM (also `TRUSTED CERTIFICATE`). A listener that has certificates of its own has ' +
      'none of the section.',
    needs,
  }),
  tlsKeyFile: optional('tls|ssl key-file|keyfile|key', file, {
    doc: 'Key of the certificate, as PEM or DER.',
    defaultText: 'in the certificate file',
    needs,
  }),
  tlsPassphrase: optional('tls|ssl passphrase', word, { doc: 'Passphrase of the key.', needs }),
  tlsPassphraseFile: optional(
    ['tls|ssl passphrase file', 'tls|ssl passphrase-file'],
    file,
    ours('File whose first line is the passphrase of the key.'),
  ),
  tlsOcspFile: optional(
    ['tls|ssl ocsp-file', 'tls|ssl ocsp file'],
    file,
    ours('OCSP response (DER) for the certificate, handed to clients that ask for it.'),
  ),
  tlsOcsp: optional(
    'tls|ssl ocsp',
    choice(OCSP_MODES),
    ours(
      'Whether the OCSP response of a certificate without `ocsp-file` is fetched, kept fresh, and handed to clients ' +
        'that ask for it. `auto`: where the certificate names a responder (http) and its issuer is in the same file; ' +
        '`yes`: the same, with a warning where that is not so; `no`: never. `auto` is the default because a client ' +
        'that is given the response need not ask the responder, which would learn of its visit, and because nothing ' +
        'waits for it: a responder that is down costs a line in the log. The head asks the responder itself, without ' +
        'a proxy; where it must not, say `no`.',
      '`auto`',
    ),
  ),
  tlsCiphers: optional(
    'tls|ssl ciphers',
    word,
    ours(ciphersDoc, 'those with forward secrecy; with `tls psk` those for pre-shared keys too'),
  ),
  tlsCiphersuites: optional(
    'tls|ssl ciphersuites',
    word,
    ours(ciphersuitesDoc, `${opensslsChoice}; with \`tls psk\` those with SHA-256 first, which keys go with`),
  ),
  tlsGroups: optional('tls|ssl groups|curves', word, ours(groupsDoc, opensslsChoice)),
  tlsAlpn: optional(
    'tls|ssl alpn',
    names,
    ours(
      'Application protocols, the preferred one first: `h2,http/1.1`. A client that offers others only is refused ' +
        '(RFC 7301).',
      'none is negotiated',
    ),
  ),
  tlsUnknownName: optional(
    ['tls|ssl unknown name', 'tls|ssl unknown-name'],
    choice(UNKNOWN_NAME_MODES),
    ours(
      'A client that asks for a name (SNI) that none of the certificates is for: `default` shows it the default ' +
        'certificate, `refuse` ends the handshake with the alert `unrecognized_name`. One that asks for no name gets ' +
        'the default certificate.',
      '`default`',
    ),
  ),
  tlsMinVersion: optional(
    ['tls|ssl min|minimum version', 'tls|ssl min-version'],
    version,
    ours('Oldest version of those that `tls` allows.', '`TLSv1.2`'),
  ),
  tlsMaxVersion: optional(
    ['tls|ssl max|maximum version', 'tls|ssl max-version'],
    version,
    ours('Newest version of those that `tls` allows.', '`TLSv1.3`'),
  ),
  tlsVerify: optional(
    'tls|ssl verify',
    located(choice(['none', 'request', 'require'])),
    ours(
      'Whether clients have to show a certificate: `require`, `request` (they may come without, but one that they ' +
        'show must be good), `none`.',
      '`require` with `tls client-ca-file`, else `none`',
    ),
  ),
  tlsClientCaFile: optional(
    ['tls|ssl client-ca-file|client-ca', 'tls|ssl client ca-file'],
    file,
    ours('Bundle (PEM) of the authorities whose clients are welcome.'),
  ),
  tlsCrlFile: optional(
    'tls|ssl crl-file|crl',
    file,
    ours(
      'What these authorities have revoked, as PEM. With it each authority of a chain needs a list that has not ' +
        'expired.',
    ),
  ),
  tlsVerifyDepth: optional(
    'tls|ssl verify depth',
    count({ max: DEPTH_MAX }),
    ours("Certificates that may lie between the client's and the authority's.", '100'),
  ),
  tlsPskFile: optional(
    ['tls|ssl psk file', 'tls|ssl psk-file'],
    file,
    ours(
      'Pre-shared keys of clients, one on a line: `IDENTITY:KEY`, the key in hexadecimal. Lines that are empty or ' +
        'begin with `#` do not count. Used by listeners with `tls psk`.',
    ),
  ),
}

const defaultedRows = {
  tlsHandshakeTimeoutMs: value('tls|ssl handshake timeout', time(), 10_000, {
    ...ours('Time that a handshake may take, with a client or with a remote.'),
    zero: 'no limit',
  }),
  tlsDetectTimeoutMs: value('tls|ssl detect timeout', time(), 3_000, {
    ...ours(
      'With `tls = auto` or `pass`: how long the first bytes of a client are waited for. One that is silent for so ' +
        'long waits for the server to begin, and counts as plain. With `pass` and `mavis authorization` it may not begin TLS ' +
        'afterwards: it was let in without a name.',
    ),
    zero: 'as long as `tls handshake timeout` says',
  }),
  tlsTruncation: value(
    'tls|ssl truncation',
    choice(['reset', 'close']),
    'reset',
    ours(
      'What the other side sees when one side ends the connection without saying so in TLS (close_notify): a `reset`, ' +
        'as what was received may not be all; or a `close`, as if it had.',
    ),
  ),
}

const certificateList = repeated('tls|ssl certificate', certificateBlock, { isOurs: true, needs })

/** Of the tcprelay section alone. */
const processRows = {
  tlsKeylogFile: optional(
    ['tls|ssl keylog file', 'tls|ssl keylog-file|keylog'],
    located(writtenFile),
    ours(
      'For debugging: the secrets of every connection are added to this file (NSS key log format). Who has it can ' +
        'read everything.',
    ),
  ),
  tlsKernel: optional(
    'tls|ssl kernel',
    located(choice(['auto', 'yes', 'no'])),
    ours(
      'Whether the kernel encrypts (kTLS): where it can, always, or never. The OpenSSL of Node is built without it, so ' +
        '`yes` is an error.',
      '`auto`',
    ),
  ),
  tlsWatch: value(
    'tls|ssl watch',
    yesNo,
    false,
    ours('Read the configuration again, as on SIGHUP, when one of the files that TLS uses has changed.'),
  ),
}

export const tlsRows = { ...optionalRows, ...defaultedRows, tlsCertificates: certificateList, ...processRows }

type PerListener<R extends Readonly<Record<string, ValueRow<unknown>>>> = {
  readonly [K in keyof R]: R[K] extends ValueRow<infer T> ? ValueRow<T | undefined> : never
}

/** The rows that a listener has as well. What it does not say, the section says. */
export const listenerTlsRows = {
  ...perListener({ ...optionalRows, ...defaultedRows }),
  tlsCertificates: certificateList,
}

function perListener<R extends Readonly<Record<string, ValueRow<unknown>>>>(rows: R): PerListener<R> {
  const entries = Object.entries(rows).map(([key, row]) => [key, { ...row, fallback: undefined }] as const)
  return Object.fromEntries(entries) as unknown as PerListener<R>
}

/** Of a remote. */
export const remoteTlsRows = {
  serverName: optional(
    'server name',
    word,
    ours('Name that is sent (SNI) and looked for in the certificate.', 'the host of `address`'),
  ),
  verify: value('verify', yesNo, true, ours('Whether the remote has to prove by its certificate who it is.')),
  verifyDepth: optional(
    'verify depth',
    count({ max: DEPTH_MAX }),
    ours("Certificates that may lie between the remote's and the authority's.", '100'),
  ),
  caFile: optional(
    'ca-file',
    file,
    ours(
      'Bundle (PEM) of the authorities that are believed.',
      "the system's: what the variable SSL_CERT_FILE names, or where distributions keep it",
    ),
  ),
  crlFile: optional('crl-file', file, ours('What these authorities have revoked, as PEM. Needs `ca-file`.')),
  certFile: optional(
    'cert-file',
    file,
    ours('Certificate that is shown to the remote if it asks, with its chain, as PEM.'),
  ),
  keyFile: { ...certificateRows.keyFile, spellings: ['key-file'] },
  passphrase: certificateRows.passphrase,
  passphraseFile: certificateRows.passphraseFile,
  pskFile: optional(
    ['psk file', 'psk-file'],
    file,
    ours(
      'Pre-shared key, a line of `IDENTITY:KEY` as in `tls psk file`. The remote proves by it who it is: whatever ' +
        '`verify` says, a certificate is believed instead only with `ca-file`.',
    ),
  ),
  pskIdentity: optional(
    ['psk identity', 'psk-identity'],
    word,
    ours('The one in `psk file` that the remote is shown.', 'the only one in the file'),
  ),
  alpn: optional(
    'alpn',
    names,
    ours('Application protocols that are offered, the preferred one first.', 'none'),
  ),
  ciphers: optional(
    'ciphers',
    word,
    ours(ciphersDoc, "OpenSSL's choice; with `psk file` those for pre-shared keys"),
  ),
  ciphersuites: optional(
    'ciphersuites',
    word,
    ours(ciphersuitesDoc, "OpenSSL's choice; with `psk file` those with SHA-256"),
  ),
  groups: optional('groups', word, ours(groupsDoc, opensslsChoice)),
  minVersion: optional(
    'min|minimum version',
    version,
    ours('Oldest version of those that `tls` allows.', '`TLSv1.2`'),
  ),
  maxVersion: optional(
    'max|maximum version',
    version,
    ours('Newest version of those that `tls` allows.', '`TLSv1.3`'),
  ),
}
