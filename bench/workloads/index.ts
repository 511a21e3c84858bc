import { bulkBoth, bulkDown, bulkUp, tlsBulk } from './bulk.js'
import { requests, requestsOneByOne, tlsRequests, wholeConnections } from './http.js'
import { idle } from './idle.js'
import { latency, latencyOfConnections } from './latency.js'
import { names } from './names.js'
import { proxyWorkloads } from './proxy.js'
import { tlsHandshakes, tlsIdle } from './tls.js'
import type { Workload } from './workload.js'

/** Every workload, in the order of the report. */
export function allWorkloads(connections: number): readonly Workload[] {
  return [
    requests(connections),
    requestsOneByOne(),
    wholeConnections(connections),
    latency(connections),
    latencyOfConnections(),
    bulkDown,
    bulkUp,
    bulkBoth,
    idle,
    names(connections),
    ...proxyWorkloads(connections),
    tlsRequests(connections),
    ...tlsHandshakes(connections),
    ...tlsBulk,
    tlsIdle,
  ]
}

/** `--quick` leaves out those that add least. */
export const QUICK_WORKLOADS: readonly string[] = ['requests', 'connections', 'bulk-down', 'bulk-up']
