const HEAD_END = Buffer.from('\r\n\r\n')

/**
 * Length of the reply at `from`, head and body; 0 while bytes up to `to` are incomplete. Throws
 * with the status line if it is not a success, and if the head has no length of the body.
 */
export function replyBytes(bytes: Buffer, from: number, to: number): number {
  const headEnd = bytes.indexOf(HEAD_END, from)
  if (headEnd < 0 || headEnd + HEAD_END.length > to) return 0
  const head = bytes.toString('latin1', from, headEnd)
  const contentBytes = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (!/^HTTP\/1\.[01] 2/.test(head) || contentBytes === undefined) {
    throw new Error(`unexpected reply: ${head.split('\r\n', 1)[0]}`)
  }
  const length = headEnd + HEAD_END.length - from + Number(contentBytes)
  return from + length <= to ? length : 0
}
