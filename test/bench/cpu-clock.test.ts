import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { busySecondsIn, cpuSecondsBetween, readCpu, ticksIn } from '../../bench/system/cpu-clock.js'
import { processTree } from '../../bench/system/process-tree.js'

function burn(seconds: number): void {
  const end = process.cpuUsage()
  while (process.cpuUsage(end).user + process.cpuUsage(end).system < seconds * 1e6);
}

test('the clock measures the CPU time that a process uses', () => {
  const before = readCpu(process.pid)
  burn(0.2)
  const seconds = cpuSecondsBetween(before, readCpu(process.pid))
  assert.ok(seconds > 0.19 && seconds < 0.5, `${seconds} s`)
})

test('CPU time of a child that has ended is included', () => {
  const before = { liveNs: 1e9, ticks: 100, processCount: 2 }
  assert.equal(cpuSecondsBetween(before, { liveNs: 1.5e9, ticks: 300, processCount: 2 }), 2)
})

test('the exact clock is used if the coarse one differs by rounding only', () => {
  const before = { liveNs: 1e9, ticks: 100, processCount: 1 }
  assert.equal(cpuSecondsBetween(before, { liveNs: 1.5e9, ticks: 152, processCount: 1 }), 0.5)
})

test('children and grandchildren belong to the tree', async () => {
  const child = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const grandchild = Number(line.toString())
  try {
    assert.ok(processTree(process.pid).includes(grandchild))
    assert.deepEqual(processTree(child.pid ?? 0), [child.pid, grandchild])
  } finally {
    process.kill(grandchild)
    await once(child, 'close')
  }
})

test('the ticks of a process with spaces and brackets in its name are found', () => {
  const stat = '42 (a) b (c) S 1 42 42 0 -1 4194304 100 0 0 0 11 7 5 3 20 0 1 0 100'
  assert.equal(ticksIn(stat), 26)
})

test('a core is busy with everything except idling and waiting for disks', () => {
  assert.equal(busySecondsIn('cpu0 100 10 200 9999 8888 5 15 70 0 0'), 4)
})
