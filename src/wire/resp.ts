/** Reader of replies in the protocol of Redis (RESP2). */

/** Texts have one character for each byte. */
export type Reply =
  | { readonly kind: 'text' | 'error'; readonly text: string }
  | { readonly kind: 'integer'; readonly value: number }
  | { readonly kind: 'array'; readonly items: readonly Reply[] }
  | { readonly kind: 'null' }

export type ReplyReading =
  | { readonly kind: 'reply'; readonly reply: Reply; readonly bytes: number }
  /** Valid so far. */
  | { readonly kind: 'need-more' }
  | { readonly kind: 'malformed' }

const CR = 0x0d
const LF = 0x0a
/** A line is a type, a number or a short text. */
const LINE_BYTES_MAX = 4_096
const TEXT_BYTES_MAX = 1_048_576
const ITEMS_MAX = 1_024
const DEPTH_MAX = 4
const NEED_MORE: ReplyReading = { kind: 'need-more' }
const MALFORMED: ReplyReading = { kind: 'malformed' }
/** It maps 128 to 159 to other characters, which no command of a check has in its reply. */
const decoder = new TextDecoder('latin1')

/** Reads the reply at the beginning of `bytes`. */
export function readReply(bytes: Uint8Array): ReplyReading {
  return replyAt(bytes, 0, DEPTH_MAX)
}

/** `bytes` of the reading: where the reply ends. */
function replyAt(bytes: Uint8Array, start: number, depth: number): ReplyReading {
  if (start >= bytes.length) return NEED_MORE
  const type = String.fromCharCode(bytes[start] as number)
  if (!'+-:$*'.includes(type)) return MALFORMED
  const end = lineEnd(bytes, start)
  if (typeof end !== 'number') return end
  const line = decoder.decode(bytes.subarray(start + 1, end - 2))
  if (type === '+') return made({ kind: 'text', text: line }, end)
  if (type === '-') return made({ kind: 'error', text: line }, end)
  const number = /^(?:-?[1-9]\d{0,14}|0)$/.test(line) ? Number(line) : undefined
  if (number === undefined) return MALFORMED
  if (type === ':') return made({ kind: 'integer', value: number }, end)
  if (number === -1) return made({ kind: 'null' }, end)
  return type === '$' ? bulkAt(bytes, end, number) : arrayAt(bytes, end, number, depth)
}

/** Where the next line begins. */
function lineEnd(bytes: Uint8Array, start: number): number | ReplyReading {
  const at = bytes.indexOf(CR, start)
  const length = (at < 0 ? bytes.length : at) - start
  if (length > LINE_BYTES_MAX || bytes.subarray(start, start + length).includes(LF)) return MALFORMED
  if (at < 0 || at + 1 === bytes.length) return NEED_MORE
  return bytes[at + 1] === LF ? at + 2 : MALFORMED
}

function bulkAt(bytes: Uint8Array, start: number, length: number): ReplyReading {
  if (length < 0 || length > TEXT_BYTES_MAX) return MALFORMED
  const end = start + length
  const isWrong = (at: number, byte: number) => at < bytes.length && bytes[at] !== byte
  if (isWrong(end, CR) || isWrong(end + 1, LF)) return MALFORMED
  if (bytes.length < end + 2) return NEED_MORE
  return made({ kind: 'text', text: decoder.decode(bytes.subarray(start, end)) }, end + 2)
}

function arrayAt(bytes: Uint8Array, start: number, count: number, depth: number): ReplyReading {
  if (count < 0 || count > ITEMS_MAX || depth === 0) return MALFORMED
  const items: Reply[] = []
  let at = start
  while (items.length < count) {
    const item = replyAt(bytes, at, depth - 1)
    if (item.kind !== 'reply') return item
    items.push(item.reply)
    at = item.bytes
  }
  return made({ kind: 'array', items }, at)
}

function made(reply: Reply, bytes: number): ReplyReading {
  return { kind: 'reply', reply, bytes }
}
