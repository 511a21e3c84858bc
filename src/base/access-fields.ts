/**
 * The names of the fields in a line of the access log: `observe/access-line.ts` writes them, `simulate/trace-parser.ts` reads
 * them. A line begins with its time; each field follows as ` name=value`, and no value contains a space.
 */
export type AccessField =
  | 'id'
  | 'client'
  | 'uid'
  | 'gid'
  | 'via'
  | 'tlvs'
  | 'listener'
  | 'pool'
  | 'remote'
  | 'attempts'
  | TlsField
  | `remote_${TlsField}`
  | 'mptcp'
  | 'remote_mptcp'
  | 'to_remote'
  | 'to_client'
  | 'seconds'
  | 'queued'
  | 'end'
  | 'reason'
  | 'rule'
  | 'comment'
  | 'why'

/** Fields of TLS with the client; those of TLS with the remote have the prefix `remote_`. */
export type TlsField = 'tls' | 'cipher' | 'sni' | 'alpn' | 'resumed' | 'subject' | 'psk'

/** What precedes the value of a field. */
export function fieldMark(name: AccessField): string {
  return ` ${name}=`
}
