/** What stands between `mavis module` and its block: `[NAME] = MODULE`. */
import { orList, Refusal, refuseWord, shown } from './expectation.js'
import type { Heading } from './row.js'
import { isText, type Token } from './token.js'
import type { TokenStream } from './token-stream.js'
import { acceptedOrReported, readOne, type ValueType } from './value-type.js'

/** Modules of the original that are not built in: they are for its other programs, and a relay does not use them. */
const UNSUPPORTED_MODULES = [
  'anonftp',
  'asciiftp',
  'ldap',
  'pam',
  'system',
  'tacauth_limit',
  'tacinfo_cache',
  'userdb',
]

const LIBRARY = /^\/(?:.*\/)?libmavis_([^/]+)\.so$/

/** `[NAME] = MODULE`; MODULE may also be the path of the original's library. */
export function moduleHeading(modules: readonly string[]): ValueType<Heading> {
  return {
    grammar: '[NAME] = MODULE',
    read(input) {
      const { problems, tokens } = input
      const first = readOne(input, 'a module name', nonEmpty)
      if (first === undefined) return undefined
      // `mavis module = x` names a module of kind x; `mavis module y = x` gives it the name y.
      const isNamed = tokens.skipEquals() || isNameFollowed(tokens)
      const second = isNamed ? readOne(input, 'a module name', nonEmpty) : first
      const kind = second && acceptedOrReported(problems, second, moduleOf(second.text, modules))
      return kind === undefined ? undefined : { kind, name: isNamed ? first.text : undefined }
    },
  }
}

/** Whether a second word follows on the same line, which makes the first one the name. */
function isNameFollowed(tokens: TokenStream): boolean {
  const token = tokens.peek()
  return isText(token) && !tokens.isOnNewLine(token)
}

function nonEmpty(token: Token): Token | Refusal {
  return token.text === '' ? new Refusal('the name is empty') : token
}

function moduleOf(text: string, modules: readonly string[]): string | Refusal {
  const name = LIBRARY.exec(text)?.[1] ?? text
  if (modules.includes(name)) return name
  if (!UNSUPPORTED_MODULES.includes(name)) return refuseWord(modules, text)
  const list = orList(modules.map((module) => `'${module}'`))
  return new Refusal(`module ${shown(name)} of the original is not available here; available: ${list}`)
}
