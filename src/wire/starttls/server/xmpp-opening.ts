/**
 * XMPP before TLS (RFC 6120, 5.4), of clients and of servers: the stream, its features, and `starttls`. After TLS the client
 * opens a new stream, so the remote gets a whole one.
 */
import type { ByteString } from '../../../base/byte-string.js'
import {
  BYTES_BEHIND,
  goOn,
  OPENING_BYTES_MAX,
  type PlainOpening,
  refuse,
  type Step,
  TOO_LONG,
  WITHOUT_TLS,
} from './plain-opening.js'

const TLS_NAMESPACE = 'urn:ietf:params:xml:ns:xmpp-tls'
const FEATURES = `<stream:features><starttls xmlns='${TLS_NAMESPACE}'><required/></starttls></stream:features>`
const PROCEED = `<proceed xmlns='${TLS_NAMESPACE}'/>`
const END = '</stream:stream>'

const MALFORMED = 'the client does not speak XMPP'

const STREAM = /^<stream:stream\s[\s\S]*[^/]>$/
const STARTTLS = /^<starttls\s+xmlns=(["'])urn:ietf:params:xml:ns:xmpp-tls\1\s*(\/?)>$/
const STARTTLS_END = /^<\/starttls\s*>$/
const STREAM_END = /^<\/stream:stream\s*>$/
/** The server name that the client requests, without characters that are special in XML. */
const TO = /\sto\s*=\s*(["'])([\w.:[\]\x80-\xff-]{1,255})\1/
const OF_SERVERS = /\sxmlns\s*=\s*(["'])jabber:server\1/

/** What has been received: nothing, the stream, or the first tag of `starttls`, whose last one is missing. */
type State = 'closed' | 'open' | 'asking'

export class XmppOpening implements PlainOpening {
  readonly greeting = ''
  readonly #serverName: string
  /** Unique among the streams of a server. */
  readonly #streamId: string
  #state: State = 'closed'
  #tag: ByteString = ''
  /** The quote that the value of an attribute has begun with; '' outside of one. */
  #quote = ''
  #byteCount = 0

  constructor(serverName: string, streamId: string) {
    this.#serverName = serverName
    this.#streamId = streamId
  }

  take(bytes: Uint8Array, byteCount: number): Step {
    this.#byteCount += byteCount
    let replies = ''
    for (let at = 0; at < byteCount; at++) {
      const character = String.fromCharCode(bytes[at] as number)
      if (this.#tag === '' && character !== '<') {
        if (' \t\r\n'.includes(character)) continue
        return refuse(byteCount, replies + this.#error('not-well-formed'), MALFORMED)
      }
      if (!this.#isTag(character)) continue
      const { next, reply, why } = this.#answer(byteCount)
      replies += reply
      if (next === 'go-on') continue
      if (next === 'tls' && at + 1 < byteCount) return refuse(byteCount, '', BYTES_BEHIND)
      return { taken: byteCount, reply: replies, next, why }
    }
    if (this.#byteCount <= OPENING_BYTES_MAX) return goOn(byteCount, replies)
    return refuse(byteCount, replies + this.#error('policy-violation'), TOO_LONG)
  }

  /** Adds a character to the tag; true if it ends it. */
  #isTag(character: string): boolean {
    this.#tag += character
    if (this.#quote !== '') {
      if (character === this.#quote) this.#quote = ''
      return false
    }
    if (character === '"' || character === "'") this.#quote = character
    return character === '>'
  }

  #answer(byteCount: number): Step {
    const tag = this.#tag
    this.#tag = ''
    if (STREAM_END.test(tag) && this.#state !== 'closed')
      return { taken: byteCount, reply: END, next: 'leave', why: '' }
    if (this.#state === 'asking')
      return STARTTLS_END.test(tag) ? this.#proceed(byteCount) : this.#refused(byteCount)
    if (this.#state === 'closed') return this.#open(tag, byteCount)
    const [isStart, , slash] = STARTTLS.exec(tag) ?? []
    if (isStart === undefined) return this.#refused(byteCount)
    if (slash === '/') return this.#proceed(byteCount)
    this.#state = 'asking'
    return goOn(byteCount, '')
  }

  #open(tag: ByteString, byteCount: number): Step {
    if (tag.startsWith('<?xml ')) return goOn(byteCount, '')
    if (!STREAM.test(tag)) return refuse(byteCount, this.#error('invalid-namespace'), MALFORMED)
    this.#state = 'open'
    return goOn(byteCount, this.#header(tag) + FEATURES)
  }

  #header(stream: ByteString): ByteString {
    const attributes = {
      from: TO.exec(stream)?.[2] ?? this.#serverName,
      id: this.#streamId,
      version: '1.0',
      xmlns: OF_SERVERS.test(stream) ? 'jabber:server' : 'jabber:client',
      'xmlns:stream': 'http://etherx.jabber.org/streams',
    }
    const all = Object.entries(attributes).map(([name, value]) => ` ${name}='${value}'`)
    return `<?xml version='1.0'?><stream:stream${all.join('')}>`
  }

  #proceed(byteCount: number): Step {
    return { taken: byteCount, reply: PROCEED, next: 'tls', why: '' }
  }

  #refused(byteCount: number): Step {
    return refuse(byteCount, this.#error('policy-violation'), WITHOUT_TLS)
  }

  /** A server that reports an error opens its own stream before. */
  #error(condition: string): ByteString {
    const before = this.#state === 'closed' ? this.#header('') : ''
    return `${before}<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>${END}`
  }
}
