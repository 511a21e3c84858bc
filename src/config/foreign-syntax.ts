import { isPlainAddress, parsePort } from './address-types.js'
import { isPunctuation, type Token } from './token.js'

/** Recognises configuration files and comments of other programs. */

/** Hint for a whole file of another program. */
export const SECTIONS_HINT =
  "write 'id = spawnd { listen { port = 80 } } id = tcprelay { remote { address = 192.0.2.1 port = 80 } }': " +
  'see docs/configuration.md'

/** First words of HAProxy sections, which have no braces. */
const HAPROXY_SECTIONS = new Set([
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'peers',
  'resolvers',
  'userlist',
])

const HITCH_WORDS = new Set(['frontend', 'backend', 'pem-file'])

/** First words of nginx blocks. */
const NGINX_BLOCKS = new Set(['stream', 'http', 'events', 'server', 'upstream', 'mail', 'map'])

/** The kind of file that a top-level line reveals. `line`: its tokens, of which the first is no directive. */
export function foreignConfiguration(line: readonly Token[]): string | undefined {
  const [first, second] = line
  const last = line.at(-1)
  if (first === undefined) return undefined
  // The order matters: the more specific signs come first.
  const isOpened = line.some((token) => isPunctuation(token, '{'))
  if (isPunctuation(first, '[') && last !== undefined && isPunctuation(last, ']'))
    return 'an INI file, such as a configuration of stunnel'
  if (isPlainAddress(first.text) && parsePort(second?.text ?? '') !== undefined)
    return 'a configuration of rinetd'
  if (isPunctuation(first, '{') && second?.kind === 'quoted') return 'a JSON file'
  if (first.kind !== 'word') return undefined
  if (first.text.endsWith(':') && line.length === 1) return 'a YAML file'
  if (NGINX_BLOCKS.has(first.text) && isOpened) return 'a configuration of nginx'
  if (last?.kind === 'word' && last.text.endsWith(';')) return 'a configuration of nginx'
  const hasEquals = second !== undefined && isPunctuation(second, '=')
  if (HITCH_WORDS.has(first.text) && hasEquals) return 'a configuration of hitch'
  return HAPROXY_SECTIONS.has(first.text) && !isOpened && !hasEquals
    ? 'a configuration of HAProxy'
    : undefined
}

/** The comment mark of another program that a word begins with. `ahead`: the word and the next token. */
export function foreignComment(
  { kind, text, position }: Token,
  isFirst: boolean,
  ahead: () => readonly Token[],
): string | undefined {
  if (kind !== 'word') return undefined
  if (text.startsWith('/*')) return '/*'
  // A word with more slashes is a path.
  if (/^\/\/[^/]*$/.test(text)) return '//'
  const isAlone = text === ';' && !(isFirst && ahead()[1]?.position.line === position.line)
  return text.startsWith(';') && !isAlone ? ';' : undefined
}

/** The tokens on the line of the first one. */
export function lineOf(tokens: readonly Token[]): readonly Token[] {
  return tokens.filter(({ position }) => position.line === tokens[0]?.position.line)
}
