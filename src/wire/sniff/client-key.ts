/** Keys for stickiness in the first bytes of clients: names by which a client can be recognised. */
import type { MORE, NO } from './answer.js'
import { MQTT_CLIENT_ID_BYTES_MAX, mqttClientId } from './mqtt-client-id.js'
import { PROTOCOL } from './protocol-names.js'
import { RDP_REQUEST_BYTES_MAX } from './rdp.js'
import { rdpRoutingToken } from './rdp-routing-token.js'
import { rdpUser } from './rdp-user.js'

/** A text that is untrusted but bounded and without control characters; NO: there is none; MORE: more bytes decide. */
export type ClientKey = string | typeof NO | typeof MORE

interface KeySource {
  /** Only clients that speak it have such a key. */
  readonly protocol: number
  /** With this many bytes the answer is never MORE. */
  readonly bytesMax: number
  readonly read: (bytes: Uint8Array, from: number, byteCount: number) => ClientKey
}

export const KEY_NAMES = ['rdp-user', 'rdp-routing-token', 'mqtt-client-id'] as const
export type KeyName = (typeof KEY_NAMES)[number]

export const KEY_SOURCES: Readonly<Record<KeyName, KeySource>> = {
  'rdp-user': { protocol: PROTOCOL.rdp, bytesMax: RDP_REQUEST_BYTES_MAX, read: rdpUser },
  'rdp-routing-token': { protocol: PROTOCOL.rdp, bytesMax: RDP_REQUEST_BYTES_MAX, read: rdpRoutingToken },
  'mqtt-client-id': { protocol: PROTOCOL.mqtt, bytesMax: MQTT_CLIENT_ID_BYTES_MAX, read: mqttClientId },
}
