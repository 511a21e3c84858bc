/** Names of MAVIS attributes in scripts. */
import { ATTRIBUTES, AV, attributeNumber } from '../base/mavis-attributes.js'
import { didYouMean, type Refusal, refuseText } from './expectation.js'
import { isText, type Token } from './token.js'
import { readOne, reportUnexpected, type ValueType } from './value-type.js'

/** Words of the original's language that denote attributes, mostly but not always by the attribute's name. */
const WORDS: Readonly<Record<string, number>> = {
  type: AV.TYPE,
  memberof: AV.MEMBEROF,
  'ssh-key-hash': AV.SSHKEYHASH,
  user: AV.USER,
  dn: AV.DN,
  result: AV.RESULT,
  path: AV.PATH,
  password: AV.PASSWORD,
  uid: AV.UID,
  gid: AV.GID,
  limit: AV.LIMIT,
  'ssh-key': AV.SSHKEY,
  address: AV.IPADDR,
  'ssh-key-id': AV.SSHKEYID,
  home: AV.HOME,
  root: AV.ROOT,
  gids: AV.GIDS,
  server: AV.SERVERIP,
  realm: AV.REALM,
  umask: AV.UMASK,
  umessage: AV.USER_RESPONSE,
  'identity-source': AV.IDENTITY_SOURCE,
  client: AV.TACCLIENT,
  member: AV.TACMEMBER,
  'password-new': AV.PASSWDNEW,
  shell: AV.SHELL,
}

/** An attribute name in any case, with or without `$`; the value is its number. */
export const attribute: ValueType<number> = {
  grammar: 'ATTRIBUTE',
  read(input) {
    const token = input.tokens.peek()
    if (isText(token)) return readOne(input, 'an attribute', ({ text }) => parseAttribute(text))
    reportUnexpected(input.problems, token, 'an attribute', false)
    return undefined
  },
  format: (number) => ATTRIBUTES[number] ?? String(number),
}

/** The number of an attribute, or why there is none. Words of the original are in lower case only. */
export function parseAttribute(text: string): number | Refusal {
  const name = text.replace(/^\$/, '')
  // The words of the original first: some differ from the name of their attribute.
  const number = attributeOfWord(name) ?? attributeNumber(name.toUpperCase())
  if (number === undefined) return refuseText('an attribute', text, didYouMean(name, ATTRIBUTES))
  return number
}

/** The attribute of a word that denotes one even where text is allowed. */
export function attributeOfWord(word: string): number | undefined {
  return Object.hasOwn(WORDS, word) ? WORDS[word] : undefined
}

/** Whether the token is written as an attribute, with `$`. */
export function isAttribute({ kind, text }: Token): boolean {
  return kind === 'word' && /^\$[A-Za-z_][\w-]*$/.test(text)
}
