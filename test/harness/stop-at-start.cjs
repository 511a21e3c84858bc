// Required by Node before the program: the first child that finds the file removes it, and stops before it has sent
// anything.
const { rmSync } = require('node:fs')
const { isMainThread } = require('node:worker_threads')

function finds(file) {
  try {
    rmSync(file)
    return true
  } catch {
    return false
  }
}

const isChild = process.env.TCPRELAY_LINK === '1' && isMainThread
if (isChild && finds(process.env.TEST_STOP_FILE)) process.kill(process.pid, 'SIGSTOP')
