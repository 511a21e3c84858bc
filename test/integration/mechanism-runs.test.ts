import { mechanismRuns } from './mechanism-runs.js'

// What depends most on what a poller tells: ends of all kinds, back pressure, single keystrokes, many at once.
mechanismRuns('poll', ['endings', 'interactive', 'resets', 'crowd'])
mechanismRuns('select', ['endings', 'interactive', 'resets', 'crowd'])
