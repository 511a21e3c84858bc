// Required by Node before the program: sends the program a signal after its first statements, before it has
// loaded anything else.
const Module = require('node:module')

const signal = process.env.TEST_EARLY_SIGNAL
// Not for the children.
delete process.env.TEST_EARLY_SIGNAL
const load = Module._load

Module._load = function (request, ...rest) {
  if (request.endsWith('run-program.js')) {
    Module._load = load
    if (signal !== undefined) process.kill(process.pid, signal)
  }
  return load.call(this, request, ...rest)
}
