/**
 * Openings of STARTTLS as clients speak them: what is sent in the plain before TLS, and how the answers are read. Start
 * reading this folder here; the protocols are in `client-*.ts` beside this file.
 */
import type { StarttlsName } from '../../base/starttls-names.js'
import { ldapOpening } from './client-ldap.js'
import { mysqlOpening } from './client-mysql.js'
import { postgresOpening } from './client-postgres.js'
import type { ClientOpening } from './client-step.js'
import { ftpOpening, imapOpening, pop3Opening, smtpOpening } from './client-text.js'
import { xmppOpening } from './client-xmpp.js'

/** STARTTLS towards a remote: plain data, a part of its plan. */
export interface StarttlsPlan {
  readonly protocol: StarttlsName
  /** Of this machine for EHLO, of the server for `to=` of XMPP; '' where the protocol needs none. */
  readonly name: string
}

export function clientOpening({ name, protocol }: StarttlsPlan): ClientOpening {
  switch (protocol) {
    case 'smtp':
      return smtpOpening(name)
    case 'imap':
      return imapOpening()
    case 'pop3':
      return pop3Opening()
    case 'ftp':
      return ftpOpening()
    case 'ldap':
      return ldapOpening()
    case 'mysql':
      return mysqlOpening()
    case 'postgres':
      return postgresOpening()
    case 'xmpp':
      return xmppOpening(name)
  }
}
