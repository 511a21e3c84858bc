/** The directives of a pool about remotes that are down, or that drain. */
import { percent, time } from './number-types.js'
import { value } from './row.js'
import { choice } from './text-types.js'

export const outageRows = {
  maxEjectedPercent: value('max ejected', percent({ max: 100 }), 50, {
    doc:
      'How many remotes of the pool failures of sessions (`fail after` in `health`) may exclude at once, in percent of ' +
      'those that have a weight, rounded down; one is always left. Further ones that fail are only skipped for a time by ' +
      'each process that could not connect to them. Remotes that fail their health checks are not limited.',
    zero: 'failures of sessions exclude none',
    isOurs: true,
  }),
  panicPercent: value('panic', percent({ max: 100 }), 0, {
    doc:
      'With fewer usable remotes than this, in percent of those that have a weight, all remotes of the pool are used, also ' +
      'those that are down: if so many fail at once, it may be the checks that fail, and what is left cannot carry the ' +
      'load of all. Logged at its begin and end.',
    zero: 'never',
    isOurs: true,
  }),
  onDown: value('on down', choice(['keep', 'close']), 'keep', {
    doc:
      'What happens to sessions on a remote that is excluded, by its health check or by `fail after`: `keep` leaves them, ' +
      '`close` ends them by a reset, at most 1,000 a second in each process, so that not all clients connect again at once.',
    isOurs: true,
  }),
  drainDeadlineMs: value('drain deadline', time(), 0, {
    doc:
      'How long sessions may go on with a remote that drains, as its admin state is `drain` or `maint`, or as `discover` has ' +
      'removed it; it gets no new clients meanwhile. After this time its idle sessions are closed in order (FIN), those ' +
      'that move data a few seconds ' +
      'later by a reset, at most 1,000 a second in each process; a sticky pool then gives its clients other remotes. If the ' +
      'remote is ready again earlier, its sessions are kept. `weight = 0` is not draining.',
    zero: 'sessions last as long as their peers want',
    isOurs: true,
  }),
}
