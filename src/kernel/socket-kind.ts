/** The kinds of stream sockets that the data path distinguishes. */
export type SocketKind = 'tcp' | 'unix' | 'sctp'
