/** Opens the poller that `IO_POLL_MECHANISM` selects. */
import type { PollMechanism } from '../base/poll-mechanism.js'
import { openEpoll } from './epoll.js'
import { openPoll } from './poll.js'
import type { Poller } from './poller.js'
import { SelectPoller } from './select-poller.js'

/** The poller must be used by the calling thread only: it reads that thread's errno. */
export function openPoller(mechanism: PollMechanism): Poller {
  if (mechanism === 'select') return new SelectPoller()
  return mechanism === 'poll' ? openPoll() : openEpoll()
}
