/**
 * The MAVIS attributes, indexed by number (event-driven-servers, `mavis/token.pl`). The last one is internal to the chain
 * and never sent.
 */
export const ATTRIBUTES = [
  'TYPE',
  'MEMBEROF',
  'SSHKEYHASH',
  'TIMESTAMP',
  'USER',
  'DN',
  'RESULT',
  'PATH',
  'PASSWORD',
  'UID',
  'GID',
  'LIMIT',
  'SSHKEY',
  'TRAFFICSHAPING',
  'IPADDR',
  'QUOTA_LIMIT',
  'QUOTA_PATH',
  'COMMENT',
  'SSHKEYID',
  'HOME',
  'ROOT',
  'SERIAL',
  'FTP_ANONYMOUS',
  'EMAIL',
  'GIDS',
  'SERVERIP',
  'ARGS',
  'REALM',
  'RARGS',
  'ANON_INCOMING',
  'VHOST',
  'UMASK',
  'USER_RESPONSE',
  'VERDICT',
  'CLASS',
  'PASSWORD_EXPIRY',
  'DBPASSWORD',
  'IDENTITY_SOURCE',
  'CUSTOM_0',
  'CUSTOM_1',
  'CUSTOM_2',
  'CUSTOM_3',
  'CALLER_CAP',
  'CERTDATA',
  'CERTSUBJ',
  'DBCERTSUBJ',
  'TACCLIENT',
  'TACMEMBER',
  'TACPROFILE',
  'TACTYPE',
  'PASSWDNEW',
  'CHALLENGE',
  'PASSWORD_ONESHOT',
  'PASSWORD_MUSTCHANGE',
  'SHELL',
  'CURRENT_MODULE',
] as const

export type AttributeName = (typeof ATTRIBUTES)[number]

/** The number of each attribute: `AV.USER`. */
export const AV = Object.fromEntries(ATTRIBUTES.map((name, number) => [name, number])) as Readonly<
  Record<AttributeName, number>
>

/** Attributes with lower numbers may be sent. */
export const SENT_ATTRIBUTES = ATTRIBUTES.length - 1

const OTHER_NAMES: Readonly<Record<string, number>> = { TLS_PEER_DATA: AV.CERTDATA }

/** The number for a name in a script; undefined when there is no such attribute. */
export function attributeNumber(name: string): number | undefined {
  const number = ATTRIBUTES.indexOf(name as AttributeName)
  return number < 0 ? OTHER_NAMES[name] : number
}
