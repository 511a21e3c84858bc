/** The layout of struct epoll_event: packed to 12 bytes on x86-64 only (epoll_ctl(2), sys/epoll.h). */
export interface EpollLayout {
  readonly eventBytes: number
  readonly dataOffset: number
}

export function epollLayout(arch: string): EpollLayout {
  return arch === 'x64' ? { eventBytes: 12, dataOffset: 4 } : { eventBytes: 16, dataOffset: 8 }
}
