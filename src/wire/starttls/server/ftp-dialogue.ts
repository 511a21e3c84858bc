/** FTP before TLS (RFC 4217): the control connection only. */
import { type LineDialogue, wordOf } from './line-opening.js'

export function ftpDialogue(serverName: string): LineDialogue {
  return {
    greeting: `220 ${serverName} ready\r\n`,
    answer(line) {
      const [word, rest] = wordOf(line)
      switch (word) {
        case 'AUTH':
          // Clients may ask for other mechanisms first.
          return /^TLS(-C)?$/i.test(rest)
            ? { reply: '234 Proceed with the negotiation\r\n', next: 'tls' }
            : { reply: '504 Only AUTH TLS is supported\r\n', next: 'go-on' }
        case 'FEAT':
          return { reply: '211-Features:\r\n AUTH TLS\r\n211 End\r\n', next: 'go-on' }
        case 'NOOP':
          return { reply: '200 Ok\r\n', next: 'go-on' }
        case 'QUIT':
          return { reply: '221 Goodbye\r\n', next: 'leave' }
        default:
          return { reply: '530 TLS is required: use AUTH TLS first\r\n', next: 'refuse' }
      }
    },
  }
}
