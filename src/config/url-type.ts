/** Value type for the URL of a server that is asked over HTTP. */
import { Refusal, refuseText } from './expectation.js'
import { isPunctuation } from './token.js'
import { oneToken, type ValueType } from './value-type.js'

const EXAMPLE = 'a URL such as https://10.0.0.1:8443'

/** The URL of a server, without a slash at its end. */
export const serverUrl: ValueType<string> = oneToken('URL', (text) => {
  const url = readUrl(text)
  if (url instanceof Refusal) return url
  return url.search === '' ? text.replace(/\/+$/, '') : new Refusal("the URL of a server has no '?'")
})

const documentToken = oneToken('URL', (text) => {
  const url = readUrl(text)
  return url instanceof Refusal ? url : text
})

/** The URL of a document, which may have a query. */
export const documentUrl: ValueType<string> = {
  ...documentToken,
  read(input) {
    const url = documentToken.read(input)
    const next = input.tokens.peek()
    // `http://10.0.0.1/members?pool=web`: the word ends at the `=`.
    if (url === undefined || !isPunctuation(next, '=')) return url
    input.problems.error(next.position, "unexpected '='", { hint: "quote a URL that contains '='" })
    return undefined
  },
}

function readUrl(text: string): URL | Refusal {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return refuseText(EXAMPLE, text)
  const url = new URL(text)
  // It appears in logs.
  if (url.username !== '' || url.password !== '')
    return new Refusal(
      'the URL contains a user or a password',
      "use 'header', 'token file' or 'password file'",
    )
  return url.hash === '' ? url : new Refusal("the URL contains a '#', which is for browsers")
}
