#!/usr/bin/env node
require('./run-program.js').runProgram('tcprelayctl', 'cli/tcprelayctl')
