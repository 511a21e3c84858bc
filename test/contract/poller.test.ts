/** Runs the poller contract for every poller of the product. */
import { openPoller } from '../../src/reactor/open-poller.js'
import { pollerContract } from './poller.contract.js'

for (const mechanism of ['epoll', 'poll', 'select'] as const) {
  pollerContract(mechanism, () => openPoller(mechanism))
}
