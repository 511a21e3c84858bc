/** IMAP before TLS (RFC 9051, 6.2.1). */
import { type Answer, type LineDialogue, wordOf } from './line-opening.js'

const CAPABILITIES = 'CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED'

/** RFC 9051, 9 (`tag`), with a limit. Literals are not accepted: their bytes could look like commands. */
const COMMAND = /^([!#$&',-[\]^-z|}~]{1,64}) (.*[^}]|)$/s

export function imapDialogue(serverName: string): LineDialogue {
  return {
    greeting: `* OK [${CAPABILITIES}] ${serverName} ready\r\n`,
    answer(line) {
      const [, tag, command] = COMMAND.exec(line) ?? []
      if (tag === undefined || command === undefined) {
        return { reply: '* BAD Syntax error\r\n* BYE TLS is required\r\n', next: 'refuse' }
      }
      return answerCommand(tag, command)
    },
  }
}

function answerCommand(tag: string, command: string): Answer {
  const [word, rest] = wordOf(command)
  switch (word) {
    case 'CAPABILITY':
      return { reply: `* ${CAPABILITIES}\r\n${tag} OK CAPABILITY completed\r\n`, next: 'go-on' }
    case 'ID':
      return { reply: `* ID NIL\r\n${tag} OK ID completed\r\n`, next: 'go-on' }
    case 'NOOP':
      return { reply: `${tag} OK NOOP completed\r\n`, next: 'go-on' }
    case 'LOGOUT':
      return { reply: `* BYE Logging out\r\n${tag} OK LOGOUT completed\r\n`, next: 'leave' }
    case 'STARTTLS':
      return rest === ''
        ? { reply: `${tag} OK Begin TLS negotiation now\r\n`, next: 'tls' }
        : { reply: `${tag} BAD STARTTLS has no parameters\r\n`, next: 'go-on' }
    default:
      return {
        reply: `${tag} NO [PRIVACYREQUIRED] TLS is required: use STARTTLS first\r\n* BYE TLS is required\r\n`,
        next: 'refuse',
      }
  }
}
