// Keeps the code that V8 compiles for a bundled file: cache-code.cjs FILE [ARGUMENTS]. With arguments for the program
// it runs the file, so that the code of functions that it calls is kept too.
const { writeFileSync } = require('node:fs')
const { resolve } = require('node:path')
const { compile, run } = require('./load-cached.cjs')

const [name, ...words] = process.argv.slice(2)
const file = resolve(name)
const { cacheFile, script } = compile(file)
process.on('exit', () => {
  writeFileSync(cacheFile, script.createCachedData())
  // Warnings and errors of the configuration do not matter.
  process.exitCode = 0
})
if (words.length > 0) {
  const module = { exports: {} }
  run(script, module, file)
  module.exports.main('tcprelay', words, 'tcprelay')
}
