/** POP3 before TLS (RFC 2595, 4). The greeting has no timestamp: APOP is a login without TLS. */
import { type LineDialogue, wordOf } from './line-opening.js'

export function pop3Dialogue(serverName: string): LineDialogue {
  return {
    greeting: `+OK ${serverName} ready\r\n`,
    answer(line) {
      const [word, rest] = wordOf(line)
      switch (word) {
        case 'CAPA':
          return { reply: '+OK Capabilities follow\r\nSTLS\r\n.\r\n', next: 'go-on' }
        case 'AUTH':
          // Without a mechanism some clients ask in this way which ones there are.
          return rest === ''
            ? { reply: '-ERR Use STLS first\r\n', next: 'go-on' }
            : { reply: '-ERR TLS is required: use STLS first\r\n', next: 'refuse' }
        case 'NOOP':
          return { reply: '-ERR Not before the login\r\n', next: 'go-on' }
        case 'QUIT':
          return { reply: '+OK Bye\r\n', next: 'leave' }
        case 'STLS':
          return rest === ''
            ? { reply: '+OK Begin TLS negotiation\r\n', next: 'tls' }
            : { reply: '-ERR STLS has no parameters\r\n', next: 'go-on' }
        default:
          return { reply: '-ERR TLS is required: use STLS first\r\n', next: 'refuse' }
      }
    },
  }
}
