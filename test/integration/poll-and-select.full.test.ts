import { mechanismRuns } from './mechanism-runs.js'

// What depends most on the poller: ends, back pressure, single keystrokes, crowds. mechanism-runs.full has all files.
mechanismRuns('poll', ['endings', 'interactive', 'crowd'])
mechanismRuns('select', ['endings', 'interactive', 'crowd'])
