import { integrationFiles, mechanismRuns } from './mechanism-runs.js'

const files = integrationFiles()
mechanismRuns('poll', files)
mechanismRuns('select', files)
