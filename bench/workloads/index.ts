import { bulkBoth, bulkDown, bulkUp } from './bulk.js'
import { requests, requestsOneByOne, wholeConnections } from './http.js'
import type { Workload } from './workload.js'

/** Every workload, in the order of the report. */
export function allWorkloads(connections: number): readonly Workload[] {
  return [
    requests(connections),
    requestsOneByOne(),
    wholeConnections(connections),
    bulkDown,
    bulkUp,
    bulkBoth,
  ]
}

/** What `--quick` leaves out tells least that is new. */
export const QUICK_WORKLOADS: readonly string[] = ['requests', 'connections', 'bulk-down', 'bulk-up']
