// Keeps the code that V8 compiles for a bundled file while the program runs: in place of load-cached.cjs while the bundle
// is built.
const { renameSync, writeFileSync } = require('node:fs')
const { threadId } = require('node:worker_threads')
const { compile, run } = require('./load-cached.cjs')

/** Runs a bundled file, and stores all code that was compiled for it by the end of the process or thread. */
function loadRecording(module, file) {
  const compiled = compile(file)
  process.on('exit', () => store(compiled))
  run(compiled.script, module, file)
}

/** Stores what is compiled now. Several processes and threads may do so at the same time. */
function store({ cacheFile, script }) {
  const file = `${cacheFile}.${process.pid}.${threadId}`
  writeFileSync(file, script.createCachedData())
  renameSync(file, cacheFile)
}

module.exports = { loadRecording, store }
