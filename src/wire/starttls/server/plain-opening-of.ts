/** The plain opening of each protocol that listeners may have. */
import { byteString } from '../../../base/byte-string.js'
import type { ListenerStarttls } from '../../../base/starttls-names.js'
import { ftpDialogue } from './ftp-dialogue.js'
import { imapDialogue } from './imap-dialogue.js'
import { LdapOpening } from './ldap-opening.js'
import { LineOpening } from './line-opening.js'
import type { PlainOpening } from './plain-opening.js'
import { pop3Dialogue } from './pop3-dialogue.js'
import { PostgresOpening } from './postgres-opening.js'
import { smtpDialogue } from './smtp-dialogue.js'
import { XmppOpening } from './xmpp-opening.js'

/** `id`: unique for each session. */
export function plainOpeningOf(protocol: ListenerStarttls, name: string, id: string): PlainOpening {
  const serverName = byteString(name)
  switch (protocol) {
    case 'smtp':
      return new LineOpening(smtpDialogue(serverName))
    case 'imap':
      return new LineOpening(imapDialogue(serverName))
    case 'pop3':
      return new LineOpening(pop3Dialogue(serverName))
    case 'ftp':
      return new LineOpening(ftpDialogue(serverName))
    case 'ldap':
      return new LdapOpening()
    case 'postgres':
      return new PostgresOpening()
    case 'xmpp':
      return new XmppOpening(serverName, id)
  }
}
