import type { Launch } from '../system/launch.js'
import { readIperf3Output } from './iperf3-output.js'
import type { Workload, WorkUnit } from './workload.js'

const BYTE: WorkUnit = {
  name: 'byte',
  cpuLabel: 'CPU s/GB',
  cpuScale: 1e9,
  rateLabel: 'GB/s',
  rateScale: 1e-9,
}

/** About a quarter of a second; a number of bytes, because iperf3 counts time in whole seconds. */
const WARM_UP_BYTES = '256M'

function client(port: number, args: readonly string[]): Launch {
  return { command: 'iperf3', args: ['-c', '127.0.0.1', '-p', String(port), '-J', ...args] }
}

/** One data connection each way that is wanted, beside iperf3's control connection, all through the relay. */
function bulkWorkload(name: string, title: string, direction: readonly string[]): Workload {
  return {
    name,
    title,
    unit: BYTE,
    needs: [{ command: 'iperf3', debianPackage: 'iperf3' }],
    server: ({ port }) => ({ command: 'iperf3', args: ['-s', '-B', '127.0.0.1', '-p', String(port)] }),
    warmUp: (port) => client(port, ['-n', WARM_UP_BYTES, ...direction]),
    generator: ({ port, seconds }) => client(port, ['-t', String(seconds), ...direction]),
    readWork: readIperf3Output,
  }
}

export const bulkDown = bulkWorkload('bulk-down', 'one stream from the remote to the client', ['-R'])
export const bulkUp = bulkWorkload('bulk-up', 'one stream from the client to the remote', [])
export const bulkBoth = bulkWorkload('bulk-both', 'a stream each way at once', ['--bidir'])
