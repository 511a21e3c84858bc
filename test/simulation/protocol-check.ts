/** Detection of protocols in a simulated world: what clients begin with, and whether the relay's answer is right. */
import assert from 'node:assert/strict'
import type { Detection } from '../../src/relay/detection.js'
import type { Session } from '../../src/relay/session.js'
import { KEY_NAMES } from '../../src/wire/sniff/client-key.js'
import { detect, NO_PROTOCOL } from '../../src/wire/sniff/detect.js'
import { PROTOCOL_NAMES } from '../../src/wire/sniff/protocol-names.js'
import { FIRST_BYTES } from '../support/first-bytes.js'
import type { Chance } from './chance.js'
import type { FakeSocket } from './fake-socket.js'

const OPENINGS = Object.values(FIRST_BYTES).flatMap((samples) => samples.map(({ bytes }) => bytes))
const EVERY_PROTOCOL = 2 ** PROTOCOL_NAMES.length - 1
const TIMEOUT_MS = 2_000
const KEYS = [[], ...KEY_NAMES.map((name) => [name])]

export class ProtocolCheck {
  /** Undefined: no protocol is detected. */
  readonly detection: Detection | undefined
  readonly #chance: Chance

  constructor(chance: Chance) {
    this.#chance = chance
    if (!chance.is(0.3)) return
    const protocols = chance.between(1, EVERY_PROTOCOL)
    this.detection = { protocols, keys: chance.pick(KEYS), timeoutMs: TIMEOUT_MS }
  }

  /** What the stream of the next client begins with. */
  opening(): Uint8Array | undefined {
    return this.detection !== undefined && this.#chance.is(0.7) ? this.#chance.pick(OPENINGS) : undefined
  }

  /** A remote is chosen: nothing was read yet, and the protocol is what the client's bytes say. */
  assertDetected({ acceptedAtMs, protocol }: Session, client: FakeSocket, nowMs: number): void {
    if (this.detection === undefined) {
      assert.equal(protocol, NO_PROTOCOL)
      return
    }
    const { hasPeerEnded, received, state, totalReceived } = client
    assert.equal(received.length, totalReceived, 'bytes that were only peeked at are still there')
    const { protocols, timeoutMs } = this.detection
    const known = detect(received.bytes, 0, received.length, protocols)
    if (known === protocol) return
    // It was decided with fewer bytes than there are now.
    const isFinal = hasPeerEnded || state === 'broken'
    assert.ok(isFinal || nowMs >= acceptedAtMs + timeoutMs, `${known} counts as ${protocol}`)
  }
}
