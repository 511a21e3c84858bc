#!/usr/bin/env node
// First of all: without a handler Node answers SIGUSR1 by opening its inspector to all users of this machine.
process.on('SIGUSR1', () => {})
require('./early-signals.js')
require('./run-program.js').runProgram('tcprelay')
