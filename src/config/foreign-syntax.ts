import { isPlainAddress, parsePort } from './address-types.js'
import { isPunctuation, type Token } from './token.js'

/** Recognises files and comments that are written as those of other programs. */

/** What to write in place of a whole file of another program. */
export const SECTIONS_HINT =
  "write 'id = spawnd { listen { port = 80 } } id = tcprelay { remote { address = 192.0.2.1 port = 80 } }': " +
  'see docs/configuration.md'

/** Words that begin a section of HAProxy's, which has no braces. */
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

/** Words that begin a block of nginx's. */
const NGINX_BLOCKS = new Set(['stream', 'http', 'events', 'server', 'upstream', 'mail', 'map'])

/** What a line at top level shows the file to be. `line`: its tokens, of which the first is no directive. */
export function foreignConfiguration(line: readonly Token[]): string | undefined {
  const [first, second] = line
  const last = line.at(-1)
  if (first === undefined) return undefined
  const isOpened = line.some((token) => isPunctuation(token, '{'))
  if (isPunctuation(first, '[') && last !== undefined && isPunctuation(last, ']'))
    return 'an INI file, as of stunnel'
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

/** What a word begins a comment with that does not begin one here. `ahead`: the word and the token behind it. */
export function foreignComment(
  { kind, text, position }: Token,
  isFirst: boolean,
  ahead: () => readonly Token[],
): string | undefined {
  if (kind !== 'word') return undefined
  if (text.startsWith('/*')) return '/*'
  // More slashes are those of a path.
  if (/^\/\/[^/]*$/.test(text)) return '//'
  const isAlone = text === ';' && !(isFirst && ahead()[1]?.position.line === position.line)
  return text.startsWith(';') && !isAlone ? ';' : undefined
}

/** The tokens that stand on the line of the first one. */
export function lineOf(tokens: readonly Token[]): readonly Token[] {
  return tokens.filter(({ position }) => position.line === tokens[0]?.position.line)
}
