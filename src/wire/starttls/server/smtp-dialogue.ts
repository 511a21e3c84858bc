/** SMTP (RFC 3207) and LMTP before TLS. */
import type { LineDialogue } from './line-opening.js'
import { wordOf } from './line-opening.js'

export function smtpDialogue(serverName: string): LineDialogue {
  return {
    greeting: `220 ${serverName} ESMTP\r\n`,
    answer(line) {
      const [word, rest] = wordOf(line)
      switch (word) {
        case 'EHLO':
        case 'LHLO':
          return { reply: `250-${serverName}\r\n250 STARTTLS\r\n`, next: 'go-on' }
        case 'HELO':
          return { reply: `250 ${serverName}\r\n`, next: 'go-on' }
        case 'NOOP':
        case 'RSET':
          return { reply: '250 2.0.0 Ok\r\n', next: 'go-on' }
        case 'QUIT':
          return { reply: '221 2.0.0 Bye\r\n', next: 'leave' }
        case 'STARTTLS':
          return rest === ''
            ? { reply: '220 2.0.0 Ready to start TLS\r\n', next: 'tls' }
            : { reply: '501 5.5.4 STARTTLS has no parameters\r\n', next: 'go-on' }
        default:
          return { reply: '530 5.7.0 Must issue a STARTTLS command first\r\n', next: 'refuse' }
      }
    },
  }
}
