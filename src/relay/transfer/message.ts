import { MessageInfo } from '../../kernel/sctp.js'

/** A message of SCTP on its way from socket to socket: what belongs to its bytes, which lie in a block. */
export class Message extends MessageInfo {
  /** Its beginning is held, and the rest has not come yet. */
  isUnfinished = false
  /** It is longer than a block, and its beginning has been sent. */
  isInPieces = false

  clear(): void {
    this.isUnfinished = false
    this.isInPieces = false
  }
}
