import { MessageInfo } from '../../kernel/sctp.js'

/** An SCTP message in flight: its metadata; its bytes are in a block. */
export class Message extends MessageInfo {
  /** Its beginning is held and the rest has not arrived yet. */
  isUnfinished = false
  /** It is longer than a block and its beginning has been sent. */
  isInPieces = false

  clear(): void {
    this.isUnfinished = false
    this.isInPieces = false
  }
}
