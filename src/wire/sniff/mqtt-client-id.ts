/** The client identifier of an MQTT CONNECT packet, a key for stickiness (MQTT 5.0, section 3.1.3.1). */
import { MORE, NO } from './answer.js'
import { sniffMqtt, variableAt, variableBytes } from './mqtt.js'
import { byteAt, shortAt } from './read.js'

/** All bytes up to the end of the identifier. Properties of version 5 precede it and may be long. */
export const MQTT_CLIENT_ID_BYTES_MAX = 4_096

/** Servers have to accept 23 characters, and usually accept more. */
const ID_BYTES_MAX = 256
const LEVEL_5 = 5
/** Bridges set the upper bit of the level. */
const BRIDGE_FLAG = 0x80
/** Level, flags, keep alive. */
const FIXED_BYTES = 4

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The identifier; NO: none (the server makes one), too long or malformed; MORE: a longer peek decides, but never with
 * MQTT_CLIENT_ID_BYTES_MAX bytes. It is untrusted, but well-formed UTF-8 without control characters.
 */
export function mqttClientId(
  bytes: Uint8Array,
  from: number,
  byteCount: number,
): string | typeof NO | typeof MORE {
  const answer = sniffMqtt(bytes, from, byteCount)
  if (answer === NO || answer === MORE) return answer
  const lengthBytes = variableBytes(bytes, from + 1, byteCount - 1)
  const body = from + 1 + lengthBytes
  const packetEnd = body + variableAt(bytes, from + 1, lengthBytes)
  // Nothing beyond the packet or the limit is read: what ends there is not there.
  const end = Math.min(from + Math.min(byteCount, MQTT_CLIENT_ID_BYTES_MAX), packetEnd)
  const lacking = end < packetEnd && byteCount < MQTT_CLIENT_ID_BYTES_MAX ? MORE : NO
  const level = body + 2 + shortAt(bytes, body)
  let at = level + FIXED_BYTES
  if (at >= end) return lacking
  if ((byteAt(bytes, level) & ~BRIDGE_FLAG) === LEVEL_5) {
    const propertiesBytes = variableBytes(bytes, at, end - at)
    if (propertiesBytes === 0) return end - at >= 4 ? NO : lacking
    at += propertiesBytes + variableAt(bytes, at, propertiesBytes)
  }
  const limit = Math.min(packetEnd, from + MQTT_CLIENT_ID_BYTES_MAX)
  if (at + 2 > limit) return NO
  if (at + 2 > end) return lacking
  const idBytes = shortAt(bytes, at)
  if (idBytes === 0 || idBytes > ID_BYTES_MAX || at + 2 + idBytes > limit) return NO
  return at + 2 + idBytes > end ? lacking : decode(bytes.subarray(at + 2, at + 2 + idBytes))
}

function decode(id: Uint8Array): string | typeof NO {
  try {
    const text = decoder.decode(id)
    return /[\u0000-\u001f\u007f-\u009f]/.test(text) ? NO : text
  } catch {
    return NO
  }
}
