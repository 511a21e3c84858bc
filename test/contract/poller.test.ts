import { openEpoll } from '../../src/reactor/epoll.js'
import { pollerContract } from './poller.contract.js'

pollerContract('epoll', openEpoll)
