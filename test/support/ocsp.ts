/** OCSP responses and responders for tests. */
import { createHash, createPublicKey, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { TestContext } from 'node:test'
import { afterwards } from '../harness/clean-up.js'
import { freePort } from '../harness/free-ports.js'
import { distinguishedName, type Identity, integer, oid, sequence, signed, tagged } from './certificates.js'

/** The content of an OCSP response. */
export interface ResponseContent {
  readonly about: Identity
  readonly issuer: Identity
  /** @default the issuer */
  readonly signer?: Identity
  readonly status?: 'good' | 'revoked' | 'unknown'
  /** Seconds from now. */
  readonly fromS?: number
  /** Seconds from now. Null: no nextUpdate. */
  readonly toS?: number | null
}

const NOTHING = Buffer.alloc(0)

/** DER of an OCSP response (RFC 6960, 4.2.1). */
export function makeResponse(wishes: ResponseContent): Buffer {
  const { about, fromS = -60, issuer, signer = issuer, status = 'good', toS = 3_600 } = wishes
  const single = sequence(
    sequence(
      sequence(oid('2b0e03021a'), tagged(5, NOTHING)),
      tagged(4, sha1(distinguishedName(issuer.name))),
      tagged(4, sha1(publicKeyBits(issuer))),
      integer(about.serial),
    ),
    status === 'revoked'
      ? tagged(0xa1, generalizedTime(-120))
      : tagged(status === 'good' ? 0x80 : 0x82, NOTHING),
    generalizedTime(fromS),
    ...(toS === null ? [] : [tagged(0xa0, generalizedTime(toS))]),
  )
  const body = sequence(
    tagged(0xa1, distinguishedName(signer.name)),
    generalizedTime(fromS),
    sequence(single),
  )
  const certificates = signer === issuer ? [] : [signer.certificate]
  const basic = signed(body, signer.key, ...certificates.map((one) => tagged(0xa0, sequence(one))))
  const answer = sequence(oid('2b0601050507300101'), tagged(4, basic))
  return sequence(tagged(0x0a, Buffer.of(0)), tagged(0xa0, answer))
}

/** An error response: status 6 is unauthorized. */
export function makeRefusal(status: number): Buffer {
  return sequence(tagged(0x0a, Buffer.of(status)))
}

/** A responder that replies to every request with the result of `answer`: bytes, or an HTTP status. */
export class Responder {
  readonly requests: Buffer[] = []
  answer: () => Uint8Array | number = () => 503
  readonly #server: Server
  #port = 0

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk)
      this.requests.push(Buffer.concat(chunks))
      const answer = this.answer()
      if (typeof answer === 'number') response.writeHead(answer).end()
      else response.writeHead(200, { 'Content-Type': 'application/ocsp-response' }).end(answer)
    })
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/ocsp`
  }

  async start(t: TestContext): Promise<this> {
    this.#port = await freePort()
    await this.resume()
    afterwards(t, () => this.stop())
    return this
  }

  /** Closes the responder. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  /** Listens on the same port again. */
  async resume(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
  }
}

function generalizedTime(secondsFromNow: number): Buffer {
  const text = new Date(Date.now() + secondsFromNow * 1_000).toISOString().replace(/\.\d+|[-:T]/g, '')
  return tagged(0x18, Buffer.from(text))
}

/** The public point of a P-256 key: the last 65 bytes of its SubjectPublicKeyInfo. */
function publicKeyBits({ certificate }: Identity): Buffer {
  const key = createPublicKey(
    new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'pem' }),
  )
  return key.export({ type: 'spki', format: 'der' }).subarray(-65)
}

function sha1(bytes: Buffer): Buffer {
  return createHash('sha1').update(bytes).digest()
}
