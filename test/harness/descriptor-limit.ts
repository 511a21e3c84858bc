import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { descriptorNumbersOf } from './proc.js'

/** Leaves a process that many more descriptors, and for good if it cannot raise the limit. */
export function leaveDescriptors(pid: number, free: number, canRaise = true): void {
  const taken = new Set(descriptorNumbersOf(pid))
  let limit = 0
  for (let left = free; left > 0 || taken.has(limit); limit++) if (!taken.has(limit)) left--
  setDescriptorLimit(pid, limit, canRaise ? '' : limit)
}

/** `hard`: the limit up to which the process may raise it; empty to leave it unchanged. */
export function setDescriptorLimit(pid: number, count: number, hard: number | '' = ''): void {
  const { status } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${count}:${hard}`])
  assert.equal(status, 0)
}
