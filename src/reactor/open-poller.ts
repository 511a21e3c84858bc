import type { PollMechanism } from '../base/poll-mechanism.js'
import { openEpoll } from './epoll.js'
import { openPoll } from './poll.js'
import type { Poller } from './poller.js'
import { SelectPoller } from './select.js'

/** For the thread that calls it. */
export function openPoller(mechanism: PollMechanism): Poller {
  if (mechanism === 'select') return new SelectPoller()
  return mechanism === 'poll' ? openPoll() : openEpoll()
}
