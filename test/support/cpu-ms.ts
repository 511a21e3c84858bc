/** CPU time of this process for some work: on the clock it would take longer the more other programs do. */
export function cpuMs(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { system, user } = process.cpuUsage(before)
  return (system + user) / 1_000
}
