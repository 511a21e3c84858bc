/** The directives of a pool that sheds sessions of its fullest remotes. */
import { percent, time } from './number-types.js'
import { rate } from './rate-type.js'
import { block, value } from './row.js'

export const shedBlock = block(
  'shed',
  'For long-lived sessions: they stay where they are when a remote comes back or is added, which then has next to none. With ' +
    'this block, idle sessions on the fullest remote end in order (FIN), the oldest first, so that their clients connect again ' +
    'and are distributed. A pool with a block of its own takes nothing from that of the section.',
  {
    overPercent: value('over', percent({ max: 100 }), 20, {
      doc:
        'How many more sessions than its share a remote may have, in percent; its share is that of its weight, among the ' +
        'remotes that get clients now.',
      isOurs: true,
    }),
    perSecond: value('rate', rate, 2, {
      doc: 'Limit of sessions that end for this, over all children.',
      isOurs: true,
    }),
    quietMs: value('quiet', time(), 500, {
      doc: 'A session is idle when no data have passed for this time, in either direction. Busy ones are left.',
      isOurs: true,
    }),
  },
)
