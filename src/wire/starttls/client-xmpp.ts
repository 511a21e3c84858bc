/**
 * The opening of XMPP between client and server (RFC 6120, 5). It is read as far as it has to be: the client begins another
 * stream inside of TLS, and what was said in the plain is dropped.
 */
import { ascii, findBytes, mayBegin } from './bytes.js'
import { type Answer, type ClientOpening, MALFORMED, MORE, REFUSED } from './client-step.js'

const FEATURES = ascii('<stream:features')
const FEATURES_END = ascii('</stream:features>')
const STARTTLS = ascii('<starttls')
const STREAM_END = ascii('</stream:stream>')
const STREAM_ERROR = ascii('<stream:error')
const PROCEED = ascii('<proceed')
const FAILURE = ascii('<failure')
const ANGLE = ascii('<')
const CLOSING_ANGLE = ascii('>')
const PROCEED_END = ascii('</proceed>')
const SLASH = 0x2f

export function xmppOpening(name: string): ClientOpening {
  const header = `<?xml version='1.0'?><stream:stream to='${escaped(name)}' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`
  return {
    protocol: 'xmpp',
    steps: [
      { what: 'stream features', request: ascii(header), read: readFeatures },
      {
        what: 'answer to starttls',
        request: ascii("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"),
        read: readProceed,
      },
    ],
    hasGreeting: false,
    cleanGreeting: (_bytes, start, end) => end - start,
    describe: (bytes, start, end) => bytes.subarray(start, end),
  }
}

function escaped(name: string): string {
  return name.replace(/[&<>'"]/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** The header of the server's stream and its features, one of which is STARTTLS. */
function readFeatures(bytes: Uint8Array, start: number, end: number): Answer {
  if (end > start && !mayBegin(bytes, ANGLE, start, end)) return MALFORMED
  const features = findBytes(bytes, FEATURES, start, end)
  if (features < 0) return isGivenUp(bytes, start, end) ? REFUSED : MORE
  const tagEnd = endOf(bytes, CLOSING_ANGLE, features, end)
  if (tagEnd < 0) return MORE
  // An empty list of features.
  if (bytes[tagEnd - 2] === SLASH) return REFUSED
  const featuresEnd = endOf(bytes, FEATURES_END, tagEnd, end)
  if (featuresEnd < 0) return isGivenUp(bytes, tagEnd, end) ? REFUSED : MORE
  return findBytes(bytes, STARTTLS, tagEnd, featuresEnd) < 0 ? REFUSED : featuresEnd - start
}

function isGivenUp(bytes: Uint8Array, start: number, end: number): boolean {
  return findBytes(bytes, STREAM_ERROR, start, end) >= 0 || findBytes(bytes, STREAM_END, start, end) >= 0
}

function readProceed(bytes: Uint8Array, start: number, end: number): Answer {
  if (!mayBegin(bytes, PROCEED, start, end)) {
    if (mayBegin(bytes, FAILURE, start, end) || mayBegin(bytes, STREAM_ERROR, start, end))
      return endOf(bytes, CLOSING_ANGLE, start, end) < 0 ? MORE : REFUSED
    return MALFORMED
  }
  const tagEnd = endOf(bytes, CLOSING_ANGLE, start, end)
  if (tagEnd < 0) return MORE
  if (bytes[tagEnd - 2] === SLASH) return tagEnd - start
  if (!mayBegin(bytes, PROCEED_END, tagEnd, end)) return MALFORMED
  return end - tagEnd < PROCEED_END.length ? MORE : tagEnd + PROCEED_END.length - start
}

/** Behind `sought`; -1: it is not there. */
function endOf(bytes: Uint8Array, sought: Uint8Array, start: number, end: number): number {
  const at = findBytes(bytes, sought, start, end)
  return at < 0 ? -1 : at + sought.length
}
