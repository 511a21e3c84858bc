/** MQTT by its CONNECT packet (MQTT 3.1.1 and 5.0, sections 2.1 and 3.1; MQTT 3.1 names itself MQIsdp). */
import { type Answer, MORE, NO } from './answer.js'
import { beginsWith, byteAt, latinBytes } from './read.js'

/** Packet type CONNECT; its four flags are 0. */
const CONNECT = 0x10
/** Names with their length prefix (section 3.1.2.1). */
const NAME = latinBytes('\0\x04MQTT')
const NAME_3_1 = latinBytes('\0\x06MQIsdp')
/** After the name: level, flags, keep alive, and the length prefix of the client identifier. */
const FIXED_BYTES = 6
const LENGTH_BYTES_MAX = 4

export const MQTT_BYTES_MAX = 1 + LENGTH_BYTES_MAX + NAME_3_1.length

export function sniffMqtt(bytes: Uint8Array, from: number, byteCount: number): Answer {
  if (byteCount >= 1 && byteAt(bytes, from) !== CONNECT) return NO
  const lengthBytes = variableBytes(bytes, from + 1, byteCount - 1)
  if (lengthBytes === 0) return byteCount > LENGTH_BYTES_MAX ? NO : MORE
  const at = from + 1 + lengthBytes
  const left = byteCount - 1 - lengthBytes
  const bodyBytes = variableAt(bytes, from + 1, lengthBytes)
  if (bodyBytes >= NAME_3_1.length + FIXED_BYTES) {
    const old = beginsWith(bytes, at, left, NAME_3_1)
    if (old !== NO) return old
  }
  return bodyBytes < NAME.length + FIXED_BYTES ? NO : beginsWith(bytes, at, left, NAME)
}

/**
 * Bytes of the variable byte integer at `at` (MQTT 5.0, section 1.5.5); 0: it has no end within `byteCount` and the
 * maximum of 4 bytes.
 */
export function variableBytes(bytes: Uint8Array, at: number, byteCount: number): number {
  for (let i = 0; i < byteCount && i < LENGTH_BYTES_MAX; i++) if (byteAt(bytes, at + i) < 0x80) return i + 1
  return 0
}

/** Value of a variable byte integer of `lengthBytes`. */
export function variableAt(bytes: Uint8Array, at: number, lengthBytes: number): number {
  let value = 0
  for (let i = lengthBytes - 1; i >= 0; i--) value = value * 128 + (byteAt(bytes, at + i) & 0x7f)
  return value
}
