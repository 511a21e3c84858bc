// Required by Node before the program: sends SIGUSR1 while only Node's own handler exists, which opens its inspector,
// on a free port.
process.debugPort = 0
process.kill(process.pid, 'SIGUSR1')
