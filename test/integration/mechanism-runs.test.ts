import { mechanismRuns } from './mechanism-runs.js'

// What depends most on what a poller tells: ends, back pressure, single keystrokes, many at once. The long run has all files.
mechanismRuns('poll', ['endings', 'interactive', 'crowd'])
mechanismRuns('select', ['endings', 'interactive', 'crowd'])
