/** What a stream is made of, where it makes a difference to who moves its bytes. */
export type SocketKind = 'tcp' | 'unix' | 'sctp'
