/** Rejects what a browser sends for a page that is not ours: it reaches addresses that the author of the page cannot. */
import { isIP } from 'node:net'

export interface BrowserHeaders {
  readonly host: string | undefined
  readonly origin: string | undefined
}

/** Why a request by TCP is rejected; undefined: it is not. `hostNames`: names of the server besides its addresses. */
export function browserProblem(
  { host, origin }: BrowserHeaders,
  hostNames: readonly string[],
): string | undefined {
  const place = /^[^\s/?#@\\]+$/.test(host ?? '') ? placeOf(`http://${host}`) : undefined
  if (place === undefined) return 'the header Host is missing or malformed'
  // Names of others may lead here, too (DNS rebinding); an address cannot be given to another host.
  if (!isOwnName(place.hostname, hostNames))
    return "the header Host has a name that 'host name' of the relay does not have"
  if (origin === undefined) return undefined
  return placeOf(origin)?.host === place.host ? undefined : 'the request is for a page of another origin'
}

function isOwnName(hostname: string, hostNames: readonly string[]): boolean {
  const bare = hostname.replace(/^\[(.*)\]$/, '$1')
  return isIP(bare) !== 0 || bare === 'localhost' || hostNames.some((name) => name.toLowerCase() === bare)
}

/** Undefined: not a URL of a host and nothing else. */
function placeOf(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const isPlain = url.pathname === '/' && url.search === '' && url.username === '' && url.password === ''
  return isPlain && url.hostname !== '' ? url : undefined
}
