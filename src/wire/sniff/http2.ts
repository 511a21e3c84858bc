/** HTTP/2 with prior knowledge by its connection preface (RFC 9113, section 3.4). */
import type { Answer } from './answer.js'
import { beginsWith, latinBytes } from './read.js'

const PREFACE = latinBytes('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export const HTTP2_BYTES_MAX = PREFACE.length

export function sniffHttp2(bytes: Uint8Array, from: number, byteCount: number): Answer {
  return beginsWith(bytes, from, byteCount, PREFACE)
}
