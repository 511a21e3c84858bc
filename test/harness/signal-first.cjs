// Required by Node before the program: SIGUSR1 comes while Node's own handler is the only one, and its inspector is about
// to open, on a port that is free.
process.debugPort = 0
process.kill(process.pid, 'SIGUSR1')
