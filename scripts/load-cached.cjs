// Runs a bundled file as `require` would, but with the code that V8 had compiled when the file was built: parsing and
// compiling took a third of a start. V8 rejects code of another version or with other flags, and compiles then. It does
// not look whether the code is of another processor, so the file's name says that.
const { existsSync, readFileSync } = require('node:fs')
const { createRequire, wrap } = require('node:module')
const { dirname } = require('node:path')
const { Script } = require('node:vm')

/** The file's function of a CommonJS module, and where its compiled code is kept. */
function compile(file) {
  const cacheFile = `${file}.${process.arch}.cache`
  const cachedData = existsSync(cacheFile) ? readFileSync(cacheFile) : undefined
  // The bundler has escaped all characters beyond ASCII.
  return { cacheFile, script: new Script(wrap(readFileSync(file, 'latin1')), { filename: file, cachedData }) }
}

/** Gives `module` the exports of the file. */
function run(script, module, file) {
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file))
}

function loadCached(module, file) {
  run(compile(file).script, module, file)
}

module.exports = { compile, loadCached, run }
