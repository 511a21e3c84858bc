/** The poller on poll(2), for `IO_POLL_MECHANISM = 8`. */
import type { Outcome } from '../kernel/calls.js'
import { EINTR } from '../kernel/errno.js'
import { nativeFunction } from '../kernel/ffi.js'
import { lastErrno } from '../kernel/native-errno.js'
import type { Poller, ReadyList } from './poller.js'
import { Timespec, wholeMs } from './wait-time.js'
import { ENTRY_WORDS, INVALID, WatchTable } from './watch-table.js'

/**
 * poll(2): the kernel checks every watched descriptor in each call, so a wait costs in proportion to the number of
 * watches, not to the number of events.
 */
export function openPoll(): Poller {
  const poll = nativeFunction<(entries: bigint, count: number, timeoutMs: number) => number>(
    'int poll(uintptr_t entries, uint64_t count, int timeout)',
  )
  // With a null mask ppoll(2) is poll(2) with a timeout in nanoseconds.
  const ppoll = nativeFunction<(entries: bigint, count: number, time: bigint, mask: number) => number>(
    'int ppoll(uintptr_t entries, uint64_t count, uintptr_t time, uintptr_t mask)',
  )
  const errno = lastErrno()
  const table = new WatchTable()
  const brief = new Timespec()
  brief.setBrief()
  /** Entry at which the next scan starts: after the last one reported, so that a full list starves nobody. */
  let first = 0

  function fill(ready: ReadyList, outcome: Outcome): Outcome {
    if (outcome < 0) return errno[0] === EINTR ? 0 : -(errno[0] as number)
    const { count, words } = table
    const { capacity } = ready
    let reported = 0
    let place = first < count ? first : 0
    for (let left = outcome, scanned = 0; left > 0 && scanned < count; scanned++) {
      const found = (words[place * ENTRY_WORDS + 1] as number) >>> 16
      if (found !== 0) {
        // The next wait starts its scan here and reports the rest.
        if (reported === capacity) break
        left--
        // Closed without `forget`: poll(2) would return at once from now on.
        if ((found & INVALID) !== 0) table.disable(place)
        else {
          ready.tokens[reported] = table.tokenAt(place)
          ready.readiness[reported++] = found
          table.markReported(place, found)
        }
      }
      if (++place === count) place = 0
    }
    first = place
    return reported
  }

  return {
    name: 'poll',
    add: (fd, token, mode) => table.add(fd, token, mode),
    again: (fd, _token, interest) => table.again(fd, interest),
    pauseReads: (fd) => table.pauseReads(fd),
    remove: (fd) => table.remove(fd),
    forget: (fd, token) => table.forget(fd, token),
    wait(ready: ReadyList, timeoutMs: number) {
      const timeout = timeoutMs === Number.POSITIVE_INFINITY ? -1 : wholeMs(timeoutMs)
      return fill(ready, poll(table.pointer, table.count, timeout))
    },
    waitBriefly(ready: ReadyList) {
      return fill(ready, ppoll(table.pointer, table.count, brief.pointer, 0))
    },
    close: () => table.close(),
  }
}
