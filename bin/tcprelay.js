#!/usr/bin/env node
// First of all: without a handler Node answers SIGUSR1 by opening its inspector to everybody on this machine.
process.on('SIGUSR1', () => {})
require('./early-signals.js')
require('./run-program.js').runProgram('tcprelay')
