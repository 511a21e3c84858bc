/** SSH by the identification string (RFC 4253, section 4.2). Only servers may send other lines before it. */
import type { Answer } from './answer.js'
import { beginsWith, latinBytes } from './read.js'

const IDENTIFICATION = latinBytes('SSH-')

export const SSH_BYTES_MAX = IDENTIFICATION.length

export function sniffSsh(bytes: Uint8Array, from: number, byteCount: number): Answer {
  return beginsWith(bytes, from, byteCount, IDENTIFICATION)
}
